-- name: filter
-- Which products a search may return, as conditions on a table that other statements put in. A parameter
-- that is NULL drops out when the statement is planned for its values (plan_cache_mode = force_custom_plan), so each
-- combination of filters gets the indexes that fit it.
--
-- '0' is the character after '/', so from a category up to it lie the category, every path below it, and what begins
-- with its name and a character before '/', which is left out. One range is one scan of an index, and IS NOT TRUE keeps
-- Postgres from taking it apart into two.
    (%(currency)s::text IS NULL OR {f}.currency = %(currency)s)
AND (%(price_min)s::numeric IS NULL OR {f}.current_price >= %(price_min)s)
AND (%(price_max)s::numeric IS NULL OR {f}.current_price <= %(price_max)s)
AND (%(category)s::text IS NULL
     OR ({f}.category >= %(category)s AND {f}.category < %(category)s::text || '0'
         AND ({f}.category > %(category)s AND {f}.category < %(category)s::text || '/') IS NOT TRUE))
AND (%(brands)s::text[] IS NULL OR {f}.brand = ANY (%(brands)s))
AND (NOT %(in_stock)s::boolean OR {f}.stock > 0 OR {f}.stock IS NULL)
AND (%(not_skus)s::text[] IS NULL OR {f}.sku <> ALL (%(not_skus)s))

-- name: narrow_filter
-- What only the narrow table can answer.
    (%(attribute_0)s::text[] IS NULL OR f.attributes && %(attribute_0)s)
AND (%(attribute_1)s::text[] IS NULL OR f.attributes && %(attribute_1)s)
AND (%(attribute_2)s::text[] IS NULL OR f.attributes && %(attribute_2)s)
AND (%(attribute_3)s::text[] IS NULL OR f.attributes && %(attribute_3)s)
AND (%(attribute_4)s::text[] IS NULL OR f.attributes && %(attribute_4)s)

-- name: words_filter
-- Words that must or must not be there, of the query and of a part of it; and what must or must not stand there as it
-- was typed.
    (%(match)s::text IS NULL OR w.search_text @@ %(match)s::tsquery)
AND (%(also)s::text IS NULL OR w.search_text @@ %(also)s::tsquery)
AND (%(exact)s::text IS NULL OR w.exact_text @@ %(exact)s::tsquery)

-- name: rows
-- The products to look among, where no words are asked.
product_search AS f

-- name: rows_with_words
-- The same with their words. Postgres leaves the outer table out where nothing of it is asked; as soon as a filter is,
-- the join is an inner one.
product_words AS w LEFT JOIN product_search AS f ON f.sku = w.sku
