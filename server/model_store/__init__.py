"""Models as things that are installed: found, downloaded, converted, measured, checked and removed."""
