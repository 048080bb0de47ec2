"""The catalogue's own words: corrections of typos, suggestions while somebody types, and synonyms."""
