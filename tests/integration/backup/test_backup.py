"""`vitrine backup` and `vitrine restore`: the same shop somewhere else."""

from pathlib import Path

from tests.integration.backup.conftest import TITLES, Run, Shop


def test_a_restored_shop_answers_as_the_one_that_was_backed_up(
    shop: Shop, other: Shop, vitrine: Run, tmp_path: Path
) -> None:
    before = shop.answers()
    assert len(before[""][0]) == len(TITLES)
    file = tmp_path / "shop.backup"
    made = vitrine(shop, "backup", file)
    assert made.exit_code == 0
    assert "6 products and 5 pictures" in made.output
    assert "fake 1 has to be installed" in made.output
    assert file.stat().st_mode & 0o777 == 0o600
    restored = vitrine(other, "restore", file)
    assert restored.exit_code == 0, restored.output
    assert "Restored 6 products and 5 pictures" in restored.output
    assert "which is not installed here" in restored.output
    assert other.answers() == before
