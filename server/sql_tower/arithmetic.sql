-- name: multiply
-- A matrix times up to eight vectors in one reading of its rows, in the order of their numbers. With `bend`, the
-- activation of each result. FILTER leaves out what there is no vector for before anything is computed.
CREATE OR REPLACE FUNCTION vitrine_tower.multiply_eight(
    of_tower integer, first integer, rows integer, x halfvec[], bend text
) RETURNS vector[] LANGUAGE plpgsql STABLE AS $body$
DECLARE
    x1 halfvec := x[1]; x2 halfvec := x[2]; x3 halfvec := x[3]; x4 halfvec := x[4];
    x5 halfvec := x[5]; x6 halfvec := x[6]; x7 halfvec := x[7]; x8 halfvec := x[8];
    y vector[];
BEGIN
    IF bend IS NULL THEN
        SELECT ARRAY[
            array_agg(r.bias + (r.w <#> x1))::vector,
            (array_agg(r.bias + (r.w <#> x2)) FILTER (WHERE x2 IS NOT NULL))::vector,
            (array_agg(r.bias + (r.w <#> x3)) FILTER (WHERE x3 IS NOT NULL))::vector,
            (array_agg(r.bias + (r.w <#> x4)) FILTER (WHERE x4 IS NOT NULL))::vector,
            (array_agg(r.bias + (r.w <#> x5)) FILTER (WHERE x5 IS NOT NULL))::vector,
            (array_agg(r.bias + (r.w <#> x6)) FILTER (WHERE x6 IS NOT NULL))::vector,
            (array_agg(r.bias + (r.w <#> x7)) FILTER (WHERE x7 IS NOT NULL))::vector,
            (array_agg(r.bias + (r.w <#> x8)) FILTER (WHERE x8 IS NOT NULL))::vector
        ] INTO y
        FROM (
            SELECT bias, w FROM vitrine_tower.weight
            WHERE tower = of_tower AND n >= first AND n < first + rows
            ORDER BY n
        ) AS r;
    ELSE
        -- OFFSET 0 keeps the products in the subquery: each is needed more than once.
        SELECT ARRAY[
            array_agg(vitrine_tower.activate(bend, r.h1))::vector,
            (array_agg(vitrine_tower.activate(bend, r.h2)) FILTER (WHERE x2 IS NOT NULL))::vector,
            (array_agg(vitrine_tower.activate(bend, r.h3)) FILTER (WHERE x3 IS NOT NULL))::vector,
            (array_agg(vitrine_tower.activate(bend, r.h4)) FILTER (WHERE x4 IS NOT NULL))::vector,
            (array_agg(vitrine_tower.activate(bend, r.h5)) FILTER (WHERE x5 IS NOT NULL))::vector,
            (array_agg(vitrine_tower.activate(bend, r.h6)) FILTER (WHERE x6 IS NOT NULL))::vector,
            (array_agg(vitrine_tower.activate(bend, r.h7)) FILTER (WHERE x7 IS NOT NULL))::vector,
            (array_agg(vitrine_tower.activate(bend, r.h8)) FILTER (WHERE x8 IS NOT NULL))::vector
        ] INTO y
        FROM (
            SELECT bias + (w <#> x1) AS h1, bias + (w <#> x2) AS h2, bias + (w <#> x3) AS h3, bias + (w <#> x4) AS h4,
                   bias + (w <#> x5) AS h5, bias + (w <#> x6) AS h6, bias + (w <#> x7) AS h7, bias + (w <#> x8) AS h8
            FROM vitrine_tower.weight
            WHERE tower = of_tower AND n >= first AND n < first + rows
            ORDER BY n
            OFFSET 0
        ) AS r;
    END IF;
    RETURN y[:cardinality(x)];
END
$body$

-- name: multiply_all
-- A matrix times any number of vectors.
CREATE OR REPLACE FUNCTION vitrine_tower.multiply(
    of_tower integer, first integer, rows integer, x halfvec[], bend text DEFAULT NULL
) RETURNS vector[] LANGUAGE plpgsql STABLE AS $body$
DECLARE
    y vector[];
BEGIN
    IF cardinality(x) <= 8 THEN
        RETURN vitrine_tower.multiply_eight(of_tower, first, rows, x, bend);
    END IF;
    FOR start IN 1 .. cardinality(x) BY 8 LOOP
        y := y || vitrine_tower.multiply_eight(of_tower, first, rows, x[start:start + 7], bend);
    END LOOP;
    RETURN y;
END
$body$

-- name: activate
-- GELU or one of its two approximations, whichever the model was trained with; all are h (1 + bend) / 2. {erf} is
-- Postgres' own from 16 on. The sigmoid of QuickGELU is written as tanh, which overflows nowhere.
CREATE OR REPLACE FUNCTION vitrine_tower.activate(kind text, h float8) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
    SELECT h * 0.5 * (1 + CASE kind
        WHEN 'quick_gelu' THEN tanh(0.851 * h)
        WHEN 'gelu' THEN {erf}(h * 0.7071067811865476)
        ELSE tanh(0.7978845608028654 * (h + 0.044715 * h * h * h))
    END)
$body$

-- name: erf
-- The error function for Postgres 15: Abramowitz and Stegun 7.1.26, wrong by 1.5e-7 at most, which is a tenth of a
-- thousandth of what the weights are rounded to. Beyond 6 it is 1 to float8's last digit.
CREATE OR REPLACE FUNCTION vitrine_tower.erf(x float8) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $body$
    SELECT sign(x) * (1 - t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027
           + t * 1.061405429)))) * exp(-least(abs(x), 6.0) * least(abs(x), 6.0)))
    FROM (SELECT 1 / (1 + 0.3275911 * abs(x)) AS t) AS part
$body$

-- name: level
-- Vectors less their means, over their standard deviations: a layer norm but for its gain and shift, which the rows
-- of the matrix behind it have taken in.
CREATE OR REPLACE FUNCTION vitrine_tower.level(x vector[], width integer, epsilon float8, ones vector)
RETURNS halfvec[] LANGUAGE plpgsql STABLE AS $body$
BEGIN
    RETURN ARRAY(
        SELECT (c * array_fill((1 / sqrt(-(c <#> c) / width + epsilon))::real, ARRAY[width])::vector)::halfvec
        FROM (
            SELECT v - array_fill((-(v <#> ones) / width)::real, ARRAY[width])::vector AS c, n
            FROM unnest(x) WITH ORDINALITY AS u (v, n)
            OFFSET 0
        ) AS centred
        ORDER BY n
    );
END
$body$

-- name: attend
-- Causal attention. asking: queries of the last tokens, scaled; known: key and value of every token, one behind the
-- other. Each token looks at itself and at what is before it. e^-30 is nothing beside the largest weight, and keeps
-- products within float4.
CREATE OR REPLACE FUNCTION vitrine_tower.attend(asking vector[], known vector[], heads integer, width integer)
RETURNS halfvec[] LANGUAGE plpgsql STABLE AS $body$
DECLARE
    size integer := width / heads;
    skipped integer := cardinality(known) - cardinality(asking);
    mixed vector[];
    y halfvec[];
    one vector;
BEGIN
    SELECT array_agg(m ORDER BY t, h) INTO mixed
    FROM (
        SELECT t, h, sum(v * array_fill(p::real, ARRAY[size])::vector)
                     * array_fill((1 / sum(p))::real, ARRAY[size])::vector AS m
        FROM (
            SELECT t, h, v, exp(greatest(score - max(score) OVER (PARTITION BY t, h), -30)) AS p
            FROM (
                SELECT q.t, q.h, k.v, -(q.q <#> k.k) AS score
                FROM (
                    SELECT t + skipped AS t, h, subvector(a, 1 + (h - 1) * size, size) AS q
                    FROM unnest(asking) WITH ORDINALITY AS u (a, t), generate_series(1, heads) AS h
                    OFFSET 0
                ) AS q
                JOIN (
                    SELECT t, h, subvector(b, 1 + (h - 1) * size, size) AS k,
                           subvector(b, 1 + width + (h - 1) * size, size) AS v
                    FROM unnest(known) WITH ORDINALITY AS u (b, t), generate_series(1, heads) AS h
                    OFFSET 0
                ) AS k ON k.h = q.h AND k.t <= q.t
            ) AS scored
        ) AS weighed
        GROUP BY t, h
    ) AS heard;
    FOR t IN 0 .. cardinality(asking) - 1 LOOP
        one := mixed[t * heads + 1];
        FOR h IN 2 .. heads LOOP
            one := one || mixed[t * heads + h];
        END LOOP;
        y := y || one::halfvec;
    END LOOP;
    RETURN y;
END
$body$

-- name: run
-- Token ids, the last of them the end token, to the text's vector. What the end token does not need of the last layer is
-- left out: of the others, only key and value count there.
CREATE OR REPLACE FUNCTION vitrine_tower.run(of_tower integer, ids integer[]) RETURNS vector
LANGUAGE plpgsql STABLE AS $body$
DECLARE
    spec vitrine_tower.tower;
    ones vector;
    x vector[];
    y vector[];
    flat halfvec[];
    base integer := 0;
    last integer := cardinality(ids);
BEGIN
    SELECT * INTO spec FROM vitrine_tower.tower WHERE id = of_tower;
    ones := array_fill(1::real, ARRAY[spec.width])::vector;
    x := ARRAY(
        SELECT token.v::vector + place.v
        FROM unnest(ids) WITH ORDINALITY AS u (id, n)
        JOIN vitrine_tower.token ON token.tower = of_tower AND token.n = u.id
        JOIN vitrine_tower.place ON place.tower = of_tower AND place.n = u.n - 1
        ORDER BY u.n
    );
    FOR layer IN 1 .. spec.layers LOOP
        flat := vitrine_tower.level(x, spec.width, spec.epsilon, ones);
        IF layer = spec.layers THEN
            x := x[last:last];
        END IF;
        flat := vitrine_tower.attend(
            vitrine_tower.multiply(of_tower, base, spec.width, flat[1 + last - cardinality(x):last]),
            vitrine_tower.multiply(of_tower, base + spec.width, 2 * spec.width, flat),
            spec.heads, spec.width
        );
        y := vitrine_tower.multiply(of_tower, base + 3 * spec.width, spec.width, flat);
        x := ARRAY(SELECT a + b FROM unnest(x, y) WITH ORDINALITY AS u (a, b, n) ORDER BY n);
        flat := vitrine_tower.level(x, spec.width, spec.epsilon, ones);
        y := vitrine_tower.multiply(of_tower, base + 4 * spec.width, spec.hidden, flat, spec.activation);
        base := base + 4 * spec.width + spec.hidden;
        x := vitrine_tower.add_down(of_tower, base, spec, x, y);
        base := base + spec.hidden / spec.piece * spec.width;
    END LOOP;
    flat := vitrine_tower.level(x, spec.width, spec.epsilon, ones);
    y := vitrine_tower.multiply(of_tower, base, spec.dimension, flat);
    RETURN l2_normalize(y[1]);
END
$body$

-- name: add_down
-- The second matrix behind the activation, piece by piece of what goes into it, added to what came before.
CREATE OR REPLACE FUNCTION vitrine_tower.add_down(
    of_tower integer, base integer, spec vitrine_tower.tower, x vector[], bent vector[]
) RETURNS vector[] LANGUAGE plpgsql STABLE AS $body$
DECLARE
    part halfvec[];
    y vector[];
BEGIN
    FOR piece IN 0 .. spec.hidden / spec.piece - 1 LOOP
        part := ARRAY(
            SELECT subvector(b, 1 + piece * spec.piece, spec.piece)::halfvec
            FROM unnest(bent) WITH ORDINALITY AS u (b, n) ORDER BY n
        );
        y := vitrine_tower.multiply(of_tower, base + piece * spec.width, spec.width, part);
        x := ARRAY(SELECT a + b FROM unnest(x, y) WITH ORDINALITY AS u (a, b, n) ORDER BY n);
    END LOOP;
    RETURN x;
END
$body$

-- name: compute
-- A text to the vector of a tower, whatever was computed before. The plans of the functions inside are decided here:
-- rows of weights are read in the order of their numbers, by their index, by one process and without compiling.
CREATE OR REPLACE FUNCTION vitrine_tower.compute(of_tower integer, said text) RETURNS halfvec
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, {vector}, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_indexscan = on
SET jit = off
SET max_parallel_workers_per_gather = 0
AS $body$
BEGIN
    RETURN vitrine_tower.run(of_tower, vitrine_tower.token_ids(of_tower, said))::halfvec;
END
$body$
