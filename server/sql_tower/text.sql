-- name: token_ids
-- A text to the token ids of a model, those that frame it included. No more of the text is looked at than fills the
-- context, unless most of that was blank, as the server's own tokenizer does it.
CREATE OR REPLACE FUNCTION vitrine_tower.token_ids(of_tower integer, said text) RETURNS integer[]
LANGUAGE plpgsql STABLE AS $body$
DECLARE
    spec vitrine_tower.tower;
    ids integer[];
    room integer;
BEGIN
    SELECT * INTO spec FROM vitrine_tower.tower WHERE id = of_tower;
    room := spec.context - cardinality(spec.opening) - cardinality(spec.closing);
    said := btrim(said, spec.blanks);
    ids := vitrine_tower.pieces_to_ids(spec, left(said, spec.longest), room);
    IF cardinality(ids) < room AND length(said) > spec.longest THEN
        ids := vitrine_tower.pieces_to_ids(spec, said, room);
    END IF;
    RETURN spec.opening || ids || spec.closing;
END
$body$

-- name: pieces_to_ids
-- The first `room` tokens of a text: a piece that is one token is looked up, any other is merged of its bytes.
CREATE OR REPLACE FUNCTION vitrine_tower.pieces_to_ids(spec vitrine_tower.tower, said text, room integer)
RETURNS integer[] LANGUAGE plpgsql STABLE AS $body$
DECLARE
    ids integer[] := '{}';
    found record;
BEGIN
    FOR found IN
        SELECT p.piece, word.token
        FROM unnest(vitrine_tower.pieces(spec.id, said, room)) WITH ORDINALITY AS p (piece, n)
        LEFT JOIN vitrine_tower.word ON word.tower = spec.id AND word.word = p.piece
        ORDER BY p.n
    LOOP
        ids := ids || CASE
            WHEN found.token IS NOT NULL THEN ARRAY[found.token]
            ELSE vitrine_tower.merged(spec, found.piece)
        END;
        EXIT WHEN cardinality(ids) >= room;
    END LOOP;
    RETURN ids[:room];
END
$body$

-- name: pieces
-- What is left of a text after each of the model's steps. Patterns name their characters one by one, and "C" compares
-- bytes: neither the locale nor Postgres' version of Unicode has a say. Patterns of ASCII alone are short and quick. Each
-- piece is a token at least, so no more pieces are kept than tokens are wanted.
CREATE OR REPLACE FUNCTION vitrine_tower.pieces(of_tower integer, said text, most integer) RETURNS text[]
LANGUAGE plpgsql STABLE AS $body$
DECLARE
    step vitrine_tower.step;
    plain boolean := octet_length(said) = length(said);
    parts text[];
    matches text;
BEGIN
    FOR step IN SELECT * FROM vitrine_tower.step WHERE tower = of_tower ORDER BY n LOOP
        matches := CASE WHEN plain THEN coalesce(step.plain, step.pattern) ELSE step.pattern END;
        IF step.kind = 'prefix' THEN
            parts := ARRAY(
                SELECT CASE WHEN part = '' OR starts_with(part, ' ') THEN part ELSE ' ' || part END
                FROM unnest(coalesce(parts, ARRAY[said])) WITH ORDINALITY AS p (part, n) ORDER BY n
            );
        ELSIF step.kind = 'split' THEN
            parts := ARRAY(
                SELECT m.found[1]
                FROM unnest(coalesce(parts, ARRAY[said])) WITH ORDINALITY AS p (part, n),
                     regexp_matches(part COLLATE "C", matches, 'g') WITH ORDINALITY AS m (found, k)
                ORDER BY p.n, m.k
                LIMIT most
            );
        ELSE
            said := CASE step.kind
                WHEN 'form' THEN CASE WHEN plain THEN said ELSE vitrine_tower.formed(said, step.stead, matches) END
                WHEN 'exchange' THEN CASE WHEN plain THEN said ELSE replace(said, step.pattern, step.stead) END
                WHEN 'lower' THEN CASE
                    WHEN plain THEN lower(said COLLATE "C")
                    ELSE translate(said, step.pattern, step.stead)
                END
                WHEN 'replace' THEN regexp_replace(said COLLATE "C", matches, step.stead, 'g')
                WHEN 'strip' THEN btrim(said, step.pattern)
            END;
        END IF;
    END LOOP;
    RETURN coalesce(parts, ARRAY[said]);
END
$body$

-- name: formed
-- A Unicode normal form. islands: a class of characters that the model's tokenizer does not know, and Postgres does; what
-- is between them is normalised alone.
CREATE OR REPLACE FUNCTION vitrine_tower.formed(said text, form text, islands text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $body$
BEGIN
    IF islands IS NOT NULL AND said COLLATE "C" ~ islands THEN
        RETURN (
            SELECT string_agg(CASE WHEN m.found[1] COLLATE "C" ~ islands THEN m.found[1]
                                   ELSE vitrine_tower.formed(m.found[1], form, NULL) END, '' ORDER BY m.k)
            FROM regexp_matches(said COLLATE "C", islands || '|[^' || substr(islands, 2) || '+', 'g')
                 WITH ORDINALITY AS m (found, k)
        );
    END IF;
    RETURN CASE form
        WHEN 'NFC' THEN normalize(said, NFC)
        WHEN 'NFD' THEN normalize(said, NFD)
        WHEN 'NFKC' THEN normalize(said, NFKC)
        WHEN 'NFKD' THEN normalize(said, NFKD)
    END;
END
$body$

-- name: merged
-- Tokens of a word's bytes, merged as the model learned it: of the pairs that stand beside each other the one with the
-- lowest rank first, at all its places from the left.
CREATE OR REPLACE FUNCTION vitrine_tower.merged(spec vitrine_tower.tower, word text) RETURNS integer[]
LANGUAGE plpgsql STABLE AS $body$
DECLARE
    raw bytea := convert_to(word, 'UTF8');
    ids integer[] := ARRAY(
        SELECT CASE WHEN n = length(raw) - 1 THEN spec.last_bytes[1 + get_byte(raw, n)]
                    ELSE spec.first_bytes[1 + get_byte(raw, n)] END
        FROM generate_series(0, length(raw) - 1) AS n
    );
    best vitrine_tower.merge;
    shorter integer[];
    n integer;
BEGIN
    LOOP
        SELECT merge.* INTO best
        FROM generate_series(1, cardinality(ids) - 1) AS i
        JOIN vitrine_tower.merge ON tower = spec.id AND before = ids[i] AND behind = ids[i + 1]
        ORDER BY rank
        LIMIT 1;
        EXIT WHEN NOT FOUND;
        shorter := '{}';
        n := 1;
        WHILE n <= cardinality(ids) LOOP
            IF ids[n] = best.before AND ids[n + 1] = best.behind THEN
                shorter := shorter || best.made;
                n := n + 2;
            ELSE
                shorter := shorter || ids[n];
                n := n + 1;
            END IF;
        END LOOP;
        ids := shorter;
    END LOOP;
    RETURN ids;
END
$body$
