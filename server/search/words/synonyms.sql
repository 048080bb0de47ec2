-- name: add
-- A new line. Nothing comes back where these words have one of the same direction already.
INSERT INTO synonym (words, replacements, two_way) VALUES (%(words)s, %(replacements)s, %(two_way)s)
ON CONFLICT (words, two_way) DO NOTHING
RETURNING id

-- name: of_words
-- The lines of some words, of either direction.
SELECT id, words, replacements, two_way FROM synonym WHERE words = %(words)s ORDER BY id

-- name: all
-- Every line, in the order in which they were added: an earlier one's replacements come first.
SELECT id, words, replacements, two_way FROM synonym ORDER BY id

-- name: remove_id
-- One line.
DELETE FROM synonym WHERE id = %(id)s RETURNING id, words, replacements, two_way

-- name: remove_words
-- The lines of some words, of either direction.
DELETE FROM synonym WHERE words = %(words)s RETURNING id, words, replacements, two_way

-- name: version
-- Rises with every change, whoever makes it: a trigger sees to that.
SELECT version FROM search_refresh WHERE name = 'synonyms'
