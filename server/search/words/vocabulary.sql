-- name: refreshed
-- Version of the words, and how many products were live when they were computed.
SELECT version, products FROM search_refresh WHERE name = 'words'

-- name: words
-- All words with the products that hold each, and those that are called by it.
SELECT word, products, titles FROM search_word

-- name: phrases
-- All that suggestions are made of and is no single word.
SELECT kind, phrase, products FROM search_phrase

-- name: pairs
-- All words that the same products are called by.
SELECT word, other, products FROM search_pair

-- name: versions
-- What a process compares its copies in memory with.
SELECT name, version FROM search_refresh
