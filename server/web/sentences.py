"""What is wrong with a request's field, in a sentence. Pydantic's own words are for those who write schemas."""

from collections.abc import Mapping
from typing import Any

NO_SUCH = {"parameter": "There is no such parameter.", "field": "There is no such field."}

# By pydantic's name of the mistake; {names} are of its context.
SENTENCES = {
    "missing": "This is missing.",
    "bool_parsing": "Write true or false.",
    "bool_type": "Write true or false.",
    "int_parsing": "Write a whole number.",
    "int_parsing_size": "Write a whole number.",
    "int_type": "Write a whole number.",
    "int_from_float": "Write a whole number.",
    "float_parsing": "Write a number.",
    "float_type": "Write a number.",
    "decimal_parsing": "Write a number, such as 25 or 19.99.",
    "decimal_type": "Write a number, such as 25 or 19.99.",
    "finite_number": "Write a number, such as 25 or 19.99.",
    "decimal_max_places": "Write at most {decimal_places} decimals.",
    "decimal_max_digits": "This number is too large.",
    "decimal_whole_digits": "This number is too large.",
    "greater_than_equal": "The least is {ge:g}.",
    "greater_than": "It has to be more than {gt:g}.",
    "less_than_equal": "The most is {le:g}.",
    "less_than": "It has to be less than {lt:g}.",
    "string_type": "Write text.",
    "string_too_short": "This is too short: at least {min_length} characters.",
    "string_too_long": "This is too long: at most {max_length} characters.",
    "string_unicode": "This text holds characters that are none.",
    "too_short": "It takes at least {min_length}; there are {actual_length}.",
    "too_long": "It takes at most {max_length}; there are {actual_length}.",
    "enum": "Write one of {expected}.",
    "literal_error": "Write one of {expected}.",
    "list_type": "Write a list.",
    "dict_type": "Write an object.",
    "model_type": "Write an object.",
    "model_attributes_type": "Write an object.",
    "is_instance_of": "Send a file.",
    "json_invalid": "This is not JSON.",
}
BY_FIELD = {
    ("currency", "string_pattern_mismatch"): "A currency has three capital letters, such as EUR.",
    ("", "model_type"): "Send a JSON object, with the header Content-Type: application/json.",
}
OTHERWISE = "This cannot be read."


def sentence(error: Mapping[str, Any], thing: str = "parameter") -> str:
    """What is wrong, by one of pydantic's `errors()`. thing: what an unknown name is not, a parameter or a field."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in ("value_error", "assertion_error"):
        # Our own validators say it themselves.
        return str(error["msg"]).removeprefix("Value error, ")
    if kind == "extra_forbidden":
        return NO_SUCH[thing]
    field = str(error["loc"][-1]) if error["loc"] else ""
    return BY_FIELD.get((field, kind)) or SENTENCES.get(kind, OTHERWISE).format_map(context)
