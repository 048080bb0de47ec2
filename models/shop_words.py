"""The words for what real shops sell: the types of the fashion data, and details that its attributes name."""

from __future__ import annotations

# type of the fashion data -> (words for one, words for several). A type that is missing uses its own name.
TYPE_WORDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Tshirts": (("t-shirt", "tshirt", "tee", "tee shirt"), ("t-shirts", "tshirts", "tees")),
    "Shirts": (("shirt", "button-up shirt"), ("shirts",)),
    "Casual Shoes": (("casual shoe", "pair of casual shoes"), ("casual shoes", "everyday shoes")),
    "Watches": (("watch", "wristwatch", "wrist watch"), ("watches", "wristwatches")),
    "Sports Shoes": (("sports shoe", "running shoe", "trainer"), ("sports shoes", "running shoes", "trainers")),
    "Kurtas": (("kurta",), ("kurtas",)),
    "Tops": (("top",), ("tops",)),
    "Handbags": (("handbag", "purse", "hand bag"), ("handbags", "purses")),
    "Heels": (("high heel", "pair of heels", "heel"), ("heels", "high heels", "heeled shoes")),
    "Sunglasses": (("pair of sunglasses", "sunglasses"), ("sunglasses", "shades", "sun glasses")),
    "Wallets": (("wallet",), ("wallets",)),
    "Flip Flops": (("flip flop", "pair of flip flops"), ("flip flops", "flipflops", "thongs")),
    "Sandals": (("sandal", "pair of sandals"), ("sandals",)),
    "Belts": (("belt", "waist belt"), ("belts",)),
    "Backpacks": (("backpack", "rucksack", "school bag"), ("backpacks", "rucksacks")),
    "Socks": (("pair of socks", "sock"), ("socks",)),
    "Formal Shoes": (("formal shoe", "dress shoe"), ("formal shoes", "dress shoes", "office shoes")),
    "Jeans": (("pair of jeans", "jeans"), ("jeans", "denims", "denim trousers")),
    "Perfume and Body Mist": (("perfume", "fragrance", "body mist"), ("perfumes", "fragrances")),
    "Shorts": (("pair of shorts", "shorts"), ("shorts",)),
    "Trousers": (("pair of trousers", "trousers"), ("trousers", "pants")),
    "Flats": (("flat shoe", "pair of flats"), ("flats", "flat shoes", "ballerinas")),
    "Dresses": (("dress",), ("dresses",)),
    "Sarees": (("saree", "sari"), ("sarees", "saris")),
    "Earrings": (("pair of earrings", "earring"), ("earrings",)),
    "Deodorant": (("deodorant", "deo"), ("deodorants",)),
    "Nail Polish": (("nail polish", "nail varnish"), ("nail polishes",)),
    "Lipstick": (("lipstick",), ("lipsticks",)),
    "Track Pants": (("pair of track pants", "track pants"), ("track pants", "joggers", "sweatpants")),
    "Sweatshirts": (("sweatshirt",), ("sweatshirts",)),
    "Clutches": (("clutch", "clutch bag"), ("clutches",)),
    "Caps": (("cap", "baseball cap"), ("caps", "baseball caps")),
    "Sweaters": (("sweater", "jumper", "pullover"), ("sweaters", "jumpers")),
    "Ties": (("tie", "necktie"), ("ties", "neckties")),
    "Jackets": (("jacket",), ("jackets",)),
    "Kurtis": (("kurti",), ("kurtis",)),
    "Tunics": (("tunic",), ("tunics",)),
    "Pendant": (("pendant",), ("pendants",)),
    "Leggings": (("pair of leggings", "leggings"), ("leggings",)),
    "Necklace and Chains": (("necklace", "chain"), ("necklaces", "chains")),
    "Nightdress": (("nightdress", "nightie"), ("nightdresses",)),
    "Skirts": (("skirt",), ("skirts",)),
    "Ring": (("ring", "finger ring"), ("rings",)),
    "Scarves": (("scarf",), ("scarves",)),
    "Bangle": (("bangle",), ("bangles",)),
    "Bracelet": (("bracelet",), ("bracelets",)),
    "Laptop Bag": (("laptop bag",), ("laptop bags",)),
    "Duffel Bag": (("duffel bag", "gym bag"), ("duffel bags",)),
    "Messenger Bag": (("messenger bag",), ("messenger bags",)),
    "Umbrellas": (("umbrella",), ("umbrellas",)),
    "Gloves": (("pair of gloves", "gloves"), ("gloves",)),
    "Water Bottle": (("water bottle",), ("water bottles",)),
    "Hat": (("hat",), ("hats",)),
}

# Types whose kind is not the first word for one of it; where a drawn product is the same thing, it has the same kind.
KIND_OF_TYPE = {
    "Socks": "sock",
    "Sports Shoes": "sneaker",
    "Flip Flops": "flip-flop",
    "Sunglasses": "sunglasses",
    "Shorts": "shorts",
    "Trousers": "trousers",
    "Water Bottle": "bottle",
    "Gloves": "mitten",
}

# (attribute, value) of the fashion data -> its words after "with" and its adjectives.
# Values of one attribute exclude each other.
ATTRIBUTE_DETAILS: dict[tuple[str, str], tuple[tuple[str, ...], tuple[str, ...]]] = {
    ("Sleeve Length", "Short Sleeves"): (
        ("short sleeves", "half sleeves"),
        ("short sleeved", "half sleeve", "short sleeve"),
    ),
    ("Sleeve Length", "Long Sleeves"): (
        ("long sleeves", "full sleeves"),
        ("long sleeved", "full sleeve", "long sleeve"),
    ),
    ("Sleeve Length", "Sleeveless"): (("no sleeves", "a sleeveless cut"), ("sleeveless",)),
    ("Sleeve Length", "Three-Quarter Sleeves"): (("three quarter sleeves",), ("three quarter sleeve",)),
    ("Neck", "Round Neck"): (("a round neck", "a crew neck", "a round neckline"), ("round neck", "crew neck")),
    ("Neck", "Polo Collar"): (("a polo collar", "a collar"), ("polo", "collared")),
    ("Neck", "V-Neck"): (("a v-neck", "a v neckline"), ("v-neck",)),
    ("Collar", "Spread Collar"): (("a spread collar", "a shirt collar"), ("collared",)),
    ("Fastening", "Lace-Ups"): (("laces", "lace-ups"), ("lace-up",)),
    ("Dial Shape", "Round"): (("a round dial", "a round face"), ("round",)),
    ("Toe Shape", "Open Toe"): (("an open toe", "open toes"), ("open toe",)),
    ("Compartment Closure", "Zip"): (("a zip", "a zip closure"), ("zipped",)),
}

# Ways to say for whom a product is.
GENDER_WORDS: dict[str, tuple[str, ...]] = {
    "Men": ("men", "mens", "men's", "male", "man"),
    "Women": ("women", "womens", "women's", "ladies", "female"),
    "Boys": ("boys", "boy's", "kids boys"),
    "Girls": ("girls", "girl's", "kids girls"),
    "Unisex": ("unisex",),
}

USAGE_WORDS: dict[str, tuple[str, ...]] = {
    "Casual": ("casual", "everyday"),
    "Sports": ("sports", "sporty", "athletic"),
    "Ethnic": ("ethnic", "indian"),
    "Formal": ("formal", "office", "business"),
    "Party": ("party",),
    "Travel": ("travel",),
}

PATTERN_OF_ATTRIBUTE: dict[str, str] = {
    "Solid": "plain",
    "Striped": "striped",
    "Checked": "checked",
    "Printed": "printed",
    "Colourblocked": "colourblocked",
    "Embroidered": "embroidered",
    "Self Design": "self design",
    "Polka Dots": "dotted",
    "Floral": "floral",
}

# A line of a description with one of these is about washing, warranty or the model's height, not about the look.
DULL_WORDS = (
    r"wash|bleach|\biron|\bdry\b|soak|wring|warranty|model|\bsize\b|height|\bcare\b|caution|store in|wipe|detergent|"
    r"tumble|shelf life|customer|manufactur|\d{2,}\"|dust|sunlight|lens cleaner|flame"
)
