-- name: lexemes
-- What the words are to the full-text index, in its language; empty for stop words.
SELECT given.n, websearch_to_tsquery(COALESCE((SELECT language FROM search_settings), 'english'), given.words)::text
FROM unnest(%(words)s::text[]) WITH ORDINALITY AS given (words, n)
ORDER BY given.n

-- name: coverage
-- Which groups of words each product has: 3 in its title or brand, 2 in its category or attributes, 1 in its
-- description, 0 not. The words lie out of line, so they are taken up once for all groups.
SELECT f.sku, f.title_words,
       (SELECT array_agg(CASE WHEN held.words @@ g.strong THEN 3 WHEN held.words @@ g.named THEN 2
                              WHEN held.words @@ g.weak THEN 1 ELSE 0 END
                         ORDER BY g.n)
        FROM unnest(%(strong)s::tsquery[], %(named)s::tsquery[], %(weak)s::tsquery[]) WITH ORDINALITY
             AS g (strong, named, weak, n))
FROM product_search AS f
CROSS JOIN LATERAL (SELECT f.search_text || ''::tsvector AS words OFFSET 0) AS held
WHERE f.sku = ANY (%(skus)s)

-- name: matching
-- Products that pass the filter and have the words; those with the shortest titles first, as they say little else.
SELECT f.sku, f.title_words
FROM product_search AS f
WHERE {narrow}
  AND (%(bound)s::float8 IS NULL OR (f.title_words::float8, f.sku) <= (%(bound)s::float8, %(bound_sku)s::text))
ORDER BY f.title_words, f.sku
LIMIT %(limit)s

-- name: exactly
-- Products that the query names as a whole, by SKU or by title.
SELECT f.sku, f.sku = ANY (%(skus)s) AS by_sku
FROM product_search AS f
WHERE (f.sku = ANY (%(skus)s) OR f.title_key = search_title_key(%(title)s)) AND {narrow}
ORDER BY by_sku DESC, f.sku
LIMIT %(limit)s
