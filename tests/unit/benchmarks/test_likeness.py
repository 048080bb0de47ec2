"""The questions of benchmarks/likeness.py ask for what a product is not, and have answers."""

from benchmarks.likeness import FEWEST_RIGHT, make_questions

TRUTH = {
    f"{kind}-{colour}-{pattern}-{number}": {"kind": kind, "colour": colour, "pattern": pattern}
    for kind in ("mug", "shirt")
    for colour in ("red", "blue")
    for pattern in ("plain", "striped", "dotted", "checked", "floral")
    for number in range(2)
}


def test_questions_ask_for_others_of_the_kind() -> None:
    questions = make_questions(TRUTH, 30)
    assert questions == make_questions(TRUTH, 30)
    assert {question.asks for question in questions} == {"colour", "pattern"}
    for question in questions:
        assert question.sku not in question.right
        assert len(question.right) >= FEWEST_RIGHT
        assert {TRUTH[sku]["kind"] for sku in question.right} == {TRUTH[question.sku]["kind"]}
        assert len({TRUTH[sku][question.asks] for sku in question.right}) == 1
