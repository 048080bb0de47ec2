-- name: products
-- Columns of products.
COMMENT ON COLUMN vitrine_sql.products.sku IS 'Key; join on it.';
COMMENT ON COLUMN vitrine_sql.products.title IS 'What a shopper reads.';
COMMENT ON COLUMN vitrine_sql.products.description IS 'Longer text; NULL where there is none.';
COMMENT ON COLUMN vitrine_sql.products.brand IS 'Who makes it; NULL where nobody says.';
COMMENT ON COLUMN vitrine_sql.products.category IS 'Path from the general to the special: Apparel/Topwear/Shirts.';
COMMENT ON COLUMN vitrine_sql.products.department IS 'The first part of the category.';
COMMENT ON COLUMN vitrine_sql.products.price IS 'What a shopper pays: the sale price, else the regular one.';
COMMENT ON COLUMN vitrine_sql.products.regular_price IS 'Without a sale.';
COMMENT ON COLUMN vitrine_sql.products.sale_price IS 'While there is a sale; else NULL.';
COMMENT ON COLUMN vitrine_sql.products.currency IS 'Three letters (ISO 4217) of all its prices.';
COMMENT ON COLUMN vitrine_sql.products.stock IS 'Pieces on hand. NULL: not counted, and taken as available.';
COMMENT ON COLUMN vitrine_sql.products.in_stock IS 'Whether it can be had: stock is more than 0, or not counted.';
COMMENT ON COLUMN vitrine_sql.products.attributes IS 'Further facts, such as colour: attributes ->> ''colour''.';
COMMENT ON COLUMN vitrine_sql.products.status IS 'live, draft, hidden or trash.';
COMMENT ON COLUMN vitrine_sql.products.item_group IS 'What variants of one product have in common; NULL: it has none.';
COMMENT ON COLUMN vitrine_sql.products.image_sha256 IS 'The picture that the product is found by; see images.';
COMMENT ON COLUMN vitrine_sql.products.embedding IS 'Unit vector by the active model. Cosine distance: <=>.';
COMMENT ON COLUMN vitrine_sql.products.embedding_source IS
    'image: made from the picture. text: made from the title. NULL: there is no vector yet.';
COMMENT ON COLUMN vitrine_sql.products.model_id IS 'The model that made the vector; see models.';
COMMENT ON COLUMN vitrine_sql.products.created_at IS 'When it came into the catalogue.';
COMMENT ON COLUMN vitrine_sql.products.updated_at IS 'When something of it was last changed.'

-- name: images
-- Columns of images.
COMMENT ON COLUMN vitrine_sql.images.sha256 IS 'Key: of the bytes of the file.';
COMMENT ON COLUMN vitrine_sql.images.media_type IS 'image/jpeg, image/png, image/webp or image/gif.';
COMMENT ON COLUMN vitrine_sql.images.width IS 'Pixels.';
COMMENT ON COLUMN vitrine_sql.images.height IS 'Pixels.';
COMMENT ON COLUMN vitrine_sql.images.bytes IS 'Size of the file.';
COMMENT ON COLUMN vitrine_sql.images.file IS 'Where it lies below DATA_DIR/images.';
COMMENT ON COLUMN vitrine_sql.images.created_at IS 'When it was first uploaded.'

-- name: product_images
-- Columns of product_images.
COMMENT ON COLUMN vitrine_sql.product_images.sku IS 'The product; see products.';
COMMENT ON COLUMN vitrine_sql.product_images.place IS
    '0: what the product is found by; 1, 2, ...: in the order of its page.';
COMMENT ON COLUMN vitrine_sql.product_images.sha256 IS 'The picture; see images.';
COMMENT ON COLUMN vitrine_sql.product_images.alt IS 'What it shows, in words; empty where nobody wrote any.'

-- name: searches_by_day
-- Columns of searches_by_day.
COMMENT ON COLUMN vitrine_sql.searches_by_day.day IS 'Of UTC.';
COMMENT ON COLUMN vitrine_sql.searches_by_day.origin IS 'Where it was made: shop or api.';
COMMENT ON COLUMN vitrine_sql.searches_by_day.kind IS 'What it was made by: words, picture, product or browse (nothing but filters).';
COMMENT ON COLUMN vitrine_sql.searches_by_day.searches IS 'How many.';
COMMENT ON COLUMN vitrine_sql.searches_by_day.without_results IS 'How many of them found nothing.';
COMMENT ON COLUMN vitrine_sql.searches_by_day.clicked IS 'Searches in whose result at least one product was clicked.';
COMMENT ON COLUMN vitrine_sql.searches_by_day.median_ms IS 'Median time to the answer, milliseconds.'

-- name: queries_by_day
-- Columns of queries_by_day.
COMMENT ON COLUMN vitrine_sql.queries_by_day.day IS 'Of UTC.';
COMMENT ON COLUMN vitrine_sql.queries_by_day.query IS
    'The words in lower case. NULL: all those that are rarely searched for.';
COMMENT ON COLUMN vitrine_sql.queries_by_day.searches IS 'How many.';
COMMENT ON COLUMN vitrine_sql.queries_by_day.without_results IS 'How many of them found nothing.';
COMMENT ON COLUMN vitrine_sql.queries_by_day.clicked IS 'How many of them had at least one product clicked.'

-- name: queries_without_results
-- Columns of queries_without_results.
COMMENT ON COLUMN vitrine_sql.queries_without_results.query IS 'The words in lower case.';
COMMENT ON COLUMN vitrine_sql.queries_without_results.without_results IS 'How many searches for it found nothing.';
COMMENT ON COLUMN vitrine_sql.queries_without_results.searches IS 'How many there were in all.';
COMMENT ON COLUMN vitrine_sql.queries_without_results.narrowed IS
    'How many of those without a result had filters chosen beside the words.';
COMMENT ON COLUMN vitrine_sql.queries_without_results.last_day IS 'The last day (UTC) on which it found nothing.'

-- name: clicks
-- Columns of clicks.
COMMENT ON COLUMN vitrine_sql.clicks.day IS 'Of UTC.';
COMMENT ON COLUMN vitrine_sql.clicks.sku IS 'What was clicked; see products.';
COMMENT ON COLUMN vitrine_sql.clicks.query IS
    'The words in lower case. NULL: a picture, a product, or words that are rarely searched for.';
COMMENT ON COLUMN vitrine_sql.clicks.clicks IS 'How many.';
COMMENT ON COLUMN vitrine_sql.clicks.mean_position IS
    'Mean place of the product in the results it was clicked in, from 1.'

-- name: embedding_coverage
-- Columns of embedding_coverage.
COMMENT ON COLUMN vitrine_sql.embedding_coverage.brand IS 'NULL: products without a brand.';
COMMENT ON COLUMN vitrine_sql.embedding_coverage.live IS 'Live products.';
COMMENT ON COLUMN vitrine_sql.embedding_coverage.by_picture IS 'Of these, found by their picture.';
COMMENT ON COLUMN vitrine_sql.embedding_coverage.by_title IS 'Of these, found by their title, for want of a picture.';
COMMENT ON COLUMN vitrine_sql.embedding_coverage.without_vector IS
    'Of these, found by words alone: the worker is still to embed them, or cannot.';
COMMENT ON COLUMN vitrine_sql.embedding_coverage.outdated IS
    'Made from a title that was changed since; part of by_title. The worker makes it anew.'

-- name: models
-- Columns of models.
COMMENT ON COLUMN vitrine_sql.models.id IS 'Key; products.model_id.';
COMMENT ON COLUMN vitrine_sql.models.name IS 'As `vitrine models list` has it.';
COMMENT ON COLUMN vitrine_sql.models.revision IS 'Of its weights.';
COMMENT ON COLUMN vitrine_sql.models.precision IS 'Of the arithmetic: fp32 or int8.';
COMMENT ON COLUMN vitrine_sql.models.dimension IS 'Numbers of its vectors.';
COMMENT ON COLUMN vitrine_sql.models.state IS 'active, candidate (being activated), previous or retired.';
COMMENT ON COLUMN vitrine_sql.models.digest IS 'SHA-256 of what decides about its vectors.';
COMMENT ON COLUMN vitrine_sql.models.logit_scale IS
    'What turns a cosine into a logit for classify_product. NULL: not known here; vitrine sql install tells.';
COMMENT ON COLUMN vitrine_sql.models.logit_bias IS 'Of models trained with a sigmoid; NULL of others.';
COMMENT ON COLUMN vitrine_sql.models.first_used_at IS 'When the first vector was made by it.';
COMMENT ON COLUMN vitrine_sql.models.activated_at IS
    'When it last became the active one by an activation; NULL for the first model of a shop.'

-- name: categories
-- Columns of categories.
COMMENT ON COLUMN vitrine_sql.categories.category IS 'The path: Apparel/Topwear.';
COMMENT ON COLUMN vitrine_sql.categories.name IS 'Its last part: Topwear.';
COMMENT ON COLUMN vitrine_sql.categories.parent IS 'The path above it; NULL at the top.';
COMMENT ON COLUMN vitrine_sql.categories.depth IS '1 at the top.';
COMMENT ON COLUMN vitrine_sql.categories.products IS 'Live products at it and below it.';
COMMENT ON COLUMN vitrine_sql.categories.own_products IS 'Live products at it alone.'

-- name: brands
-- Columns of brands.
COMMENT ON COLUMN vitrine_sql.brands.brand IS 'As products has it.';
COMMENT ON COLUMN vitrine_sql.brands.products IS 'Live products.';
COMMENT ON COLUMN vitrine_sql.brands.in_stock IS 'Of these, those that can be had.';
COMMENT ON COLUMN vitrine_sql.brands.on_sale IS 'Of these, those that cost less than usual.';
COMMENT ON COLUMN vitrine_sql.brands.departments IS 'In how many departments.'

-- name: all_products
-- The same columns as those of products, so the same words.
DO $comments$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT a.attname, col_description(a.attrelid, a.attnum) AS said FROM pg_attribute AS a
               WHERE a.attrelid = 'vitrine_sql.products'::regclass AND a.attnum > 0 LOOP
        EXECUTE format('COMMENT ON COLUMN vitrine_sql.all_products.%I IS %L', one.attname, one.said);
    END LOOP;
END
$comments$
