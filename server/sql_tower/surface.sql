-- name: embed
-- A text to the vector of the model of this digest, computed; raises where its tower is not there.
CREATE OR REPLACE FUNCTION vitrine_tower.embed(of_digest text, called text, said text) RETURNS halfvec
LANGUAGE plpgsql STABLE AS $body$
DECLARE
    loaded record;
BEGIN
    SELECT id, refusal INTO loaded FROM vitrine_tower.tower WHERE digest = of_digest;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'The text tower of the model % is not loaded in this database.', called
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Run `vitrine sql install`.';
    ELSIF loaded.refusal IS NOT NULL THEN
        RAISE EXCEPTION '%', loaded.refusal
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'Texts that were searched for in the shop are still found, until they are forgotten.';
    END IF;
    RETURN vitrine_tower.compute(loaded.id, said);
END
$body$

-- name: active
-- The model whose vectors the shop holds now.
CREATE OR REPLACE FUNCTION vitrine_tower.active(OUT id integer, OUT digest text, OUT name text)
LANGUAGE plpgsql STABLE AS $body$
BEGIN
    SELECT m.id, m.digest, m.name INTO id, digest, name FROM {tables}.embedding_model AS m WHERE m.state = 'active';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'No product of this shop has a vector yet, so there is no model to embed a text by.'
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Import a catalogue first.';
    END IF;
END
$body$

-- name: embed_text
-- What analysts call. It writes nothing, so it works on a standby. The last text of a transaction is remembered in a
-- setting of that transaction: called bare in an ORDER BY, a function runs once a row. Whoever writes that setting
-- deceives himself alone.
CREATE OR REPLACE FUNCTION vitrine_sql.embed_text(said text) RETURNS halfvec
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path = pg_catalog, {vector}, pg_temp
AS $body$
DECLARE
    model record := vitrine_tower.active();
    hash bytea := sha256(convert_to(said, 'UTF8'));
    key text := model.digest || encode(hash, 'hex');
    memo text := current_setting('vitrine_sql.memo', true);
    known halfvec;
BEGIN
    IF starts_with(memo, key) THEN
        RETURN substr(memo, 1 + length(key))::halfvec;
    END IF;
    SELECT embedding INTO known FROM {tables}.query_embedding AS q WHERE q.model = model.id AND text_hash = hash;
    IF NOT FOUND THEN
        known := vitrine_tower.embed(model.digest, model.name, said);
    END IF;
    PERFORM set_config('vitrine_sql.memo', key || known::text, true);
    RETURN known;
END
$body$;
REVOKE ALL ON FUNCTION vitrine_sql.embed_text(text) FROM PUBLIC;
COMMENT ON FUNCTION vitrine_sql.embed_text(text) IS
    'The vector of a text, by the model whose vectors the products have. In ORDER BY write (SELECT embed_text(''...'')): '
    'then it is computed once, and an index can be used.'

-- name: remember_text
-- embed_text for texts that come again. What it keeps the shop's own searches find too, so nothing that a caller could
-- have made up goes in: the tower's own vector alone. Where the table is full, the shop's texts are not pushed out.
CREATE OR REPLACE FUNCTION vitrine_sql.remember_text(said text) RETURNS halfvec
LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER
SET search_path = pg_catalog, {vector}, pg_temp
AS $body$
DECLARE
    model record := vitrine_tower.active();
    hash bytea := sha256(convert_to(said, 'UTF8'));
    known halfvec;
BEGIN
    IF length(said) > {longest} THEN
        RAISE EXCEPTION 'A text that is remembered has at most {longest} characters; this one has %.', length(said)
            USING ERRCODE = 'string_data_right_truncation', HINT = 'Use embed_text, which keeps nothing.';
    END IF;
    SELECT embedding INTO known FROM {tables}.query_embedding AS q WHERE q.model = model.id AND text_hash = hash;
    IF NOT FOUND THEN
        IF current_setting('transaction_read_only')::boolean THEN
            RAISE EXCEPTION 'remember_text writes, and this transaction may only read.'
                USING ERRCODE = 'read_only_sql_transaction', HINT = 'Use embed_text, which keeps nothing.';
        END IF;
        known := vitrine_tower.embed(model.digest, model.name, said);
        INSERT INTO {tables}.query_embedding (model, text_hash, embedding)
        SELECT model.id, hash, known
        WHERE (SELECT count(*) FROM {tables}.query_embedding) < {most}
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN known;
END
$body$;
REVOKE ALL ON FUNCTION vitrine_sql.remember_text(text) FROM PUBLIC;
COMMENT ON FUNCTION vitrine_sql.remember_text(text) IS
    'embed_text, and the vector is kept for whoever asks again: at most {longest} characters.'
