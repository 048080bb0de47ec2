"""Words beside a number that tell what it counts. They decide only where no currency says that it is a price."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Behind a number: "under 50 cm", "10-12 inch". Missing are those that begin something to buy: "under 50 in blue",
# "under 50 v neck", "under 50 star wars", "under 50 sheets", "under 500 hp laptop", "under 50 second hand".
UNITS = _words(
    """
    % ° °c °f percent degree degrees
    mm cm m km inch inches ft feet yard yards mile miles meter meters metre metres sqft sqm
    mg g gr gram grams kg kgs kilo kilos lb lbs pound pounds oz ounce ounces ton tons
    ml cl l liter liters litre litres gallon gallons gal quart quarts pint pints cups cc
    sec secs seconds min mins minute minutes hr hrs hour hours days weeks month months year years yr yrs yo
    w watt watts volt volts mah ah wh hz khz mhz ghz kb mb gb tb mp megapixel megapixels px dpi fps bpm rpm psi
    mph kmh lumen lumens kcal calories
    pack packs pk ct pcs piece pieces count dozen ply tier tiers seater seaters person persons people player players
    pocket pockets compartment compartments slots ports layers colors colours pages cores servings holes
    denier den gsm spf karat carat carats kt gauge thread stars ratings reviews atm x ×
    """
)

# Before any number: "age 3-5", "with at least 3", "pack of 6-8".
MEASURES = _words(
    """
    size sizes sz age ages aged waist inseam length height width depth weight diameter
    resistant resistance of with having has holds fits supports carries
    """
)
# Before a range alone; before "under 50" they are what is looked for: "iphone under 500", "need it under 20".
NUMBERED = _words(
    """
    eu eur uk us it fr jp number no nr model models series season seasons level levels grade grades class gen generation
    chest bust collar screen capacity version vol volume part chapter episode mk type lens nikkor levis levi's
    iphone ipad galaxy pixel redmi oneplus macbook playstation ps xbox
    """
)
# Before such a word they make it one that takes no number: "plus size under 50", "knee length 50-80".
QUALIFIERS = _words(
    """
    plus king queen free full twin double single one big large small medium travel pocket any all my
    high low mid knee floor ankle elbow hip waist tea midi maxi mini long short light heavy
    """
)

# "nike air max 90", "iphone 15 pro max 256"; and after any name "Max 2".
MODELS_WITH_MAX = _words("air pro mad nike vapor zoom tn peter")
SMALLEST_PRICE_AFTER_MAX = 10

ADULTS = _words("women woman womens women's men man mens men's ladies lady adults adult people seniors those")
CHILDREN = _words(
    """
    kid kids kid's kids' child children childrens children's girl girls girl's girls' boy boys boy's boys' baby babies
    baby's infant infants toddler toddlers newborn teen teens
    """
)
OLDEST_CHILD = 18
OLDEST = 99
# Baby clothes are sized by months: 0-3 to 18-24.
LARGEST_CHILD_SIZE = 24

# A blank too many, not a minus: "t -shirt".
COMPOUNDS = frozenset({("t", "shirt"), ("t", "shirts"), ("v", "neck"), ("u", "neck"), ("a", "line")})
