-- name: lexemes
-- What the words are to the full-text index, in its language (empty for stop words), and word by word as they stand.
SELECT given.n, websearch_to_tsquery(COALESCE((SELECT language FROM search_settings), 'english'), given.words)::text,
       phraseto_tsquery('simple', search_exact_words(given.words))::text
FROM unnest(%(words)s::text[]) WITH ORDINALITY AS given (words, n)
ORDER BY given.n

-- name: coverage
-- Which groups of words each product has: 3 in its title or brand, 2 in its category or attributes, 1 in its
-- description, 0 not. Long texts lie out of line, so they are taken up once for all groups.
SELECT w.sku, w.title_words,
       (SELECT array_agg(CASE WHEN held.words @@ g.strong THEN 3 WHEN held.words @@ g.named THEN 2
                              WHEN held.words @@ g.weak THEN 1 ELSE 0 END
                         ORDER BY g.n)
        FROM unnest(%(strong)s::tsquery[], %(named)s::tsquery[], %(weak)s::tsquery[]) WITH ORDINALITY
             AS g (strong, named, weak, n))
FROM product_words AS w
CROSS JOIN LATERAL (SELECT w.search_text || ''::tsvector AS words OFFSET 0) AS held
WHERE w.sku = ANY (%(skus)s)

-- name: matching
-- Products that pass the filter and have the words; those with the shortest titles first, as they say little else.
SELECT w.sku, w.title_words
FROM {rows_with_words}
WHERE {narrow_with_words}
  AND (%(bound)s::float8 IS NULL OR (w.title_words::float8, w.sku) <= (%(bound)s::float8, %(bound_sku)s::text))
ORDER BY w.title_words, w.sku
LIMIT %(limit)s

-- name: exactly
-- Products that the query names as a whole, by SKU or by title.
SELECT w.sku, w.sku = ANY (%(skus)s) AS by_sku
FROM {rows_with_words}
WHERE (w.sku = ANY (%(skus)s) OR w.title_key = search_title_key(%(title)s)) AND {narrow_with_words}
ORDER BY by_sku DESC, w.sku
LIMIT %(limit)s

-- name: passing
-- Which of these products pass the filter.
SELECT w.sku FROM {rows_with_words} WHERE w.sku = ANY (%(skus)s) AND {narrow_with_words}
