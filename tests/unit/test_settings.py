"""Settings: documented, refused with a sentence where they are bad, and a secret key that is made once."""

import multiprocessing
import re
import stat
import sys
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from server.errors import SettingError
from server.settings import Settings, load_settings, variable_names

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def load(data_dir: Path, **given: object) -> Settings:
    return load_settings(_env_file=None, **{"VITRINE_DATA_DIR": data_dir, **given})


@pytest.mark.parametrize(("name", "help_text"), variable_names().items(), ids=variable_names())
def test_every_variable_stands_in_the_docs_with_its_help(name: str, help_text: str) -> None:
    rows = {row.split("|")[1].strip(): row for row in PAGE.read_text().splitlines() if row.startswith("| `")}
    assert f"`{name}`" in rows, f"docs/settings.md lacks a row for {name}"
    assert rows[f"`{name}`"].rstrip(" |").endswith(help_text), f"docs/settings.md says something else about {name}"


def test_the_docs_know_no_variable_that_is_not_there_and_the_right_defaults() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE.read_text(), re.MULTILINE)
    fields = {str(field.validation_alias): field for field in Settings.model_fields.values()}
    assert [name for name, _ in rows] == list(fields)
    for name, told in rows:
        default = fields[name].default
        if default is None or default == ():
            assert told == "none", name
        elif default is not PydanticUndefined:
            shown = str(default).lower() if isinstance(default, bool) else str(default)
            assert told == f"`{shown}`", name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://root@somewhere"),
        ("DATABASE_URL", "postgresql+psycopg://me@somewhere/shop"),
        ("VITRINE_PORT", "eighty"),
        ("VITRINE_PORT", "70000"),
        ("VITRINE_WEB_THREADS", "0"),
        ("VITRINE_SECRET_KEY", "short"),
        ("VITRINE_ADMIN_TOKEN", "short"),
        ("VITRINE_CURRENCY", "dollars"),
        ("VITRINE_FETCH_IMAGE_URLS", "perhaps"),
        ("VITRINE_MAX_IMAGE_PIXELS", "-1"),
        ("VITRINE_LOG_LEVEL", "loud"),
        ("VITRINE_API_READS", "closed"),
        ("VITRINE_RATE_LIMIT", "lots"),
        ("VITRINE_RATE_LIMIT", "0 per second"),
        ("VITRINE_RATE_LIMIT", "5 per fortnight"),
        ("VITRINE_RATE_LIMIT", "5 per second and 6 per minute"),
        ("VITRINE_RATE_LIMIT_STORAGE", "redis"),
        ("VITRINE_RATE_LIMIT_STORAGE", "nonsense://host"),
        ("VITRINE_RATE_LIMIT_STORAGE", "redis://host:port"),
    ],
)
def test_a_bad_value_is_refused_with_a_sentence_that_names_it(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingError) as caught:
        load(tmp_path, **{name: value})
    assert name in caught.value.message
    assert caught.value.message.endswith(".")
    assert "\n" not in caught.value.message


def test_a_secret_does_not_show_where_it_was_refused_or_printed(tmp_path: Path) -> None:
    with pytest.raises(SettingError) as caught:
        load(tmp_path, VITRINE_ADMIN_TOKEN="hunter2")
    assert "hunter2" not in caught.value.message
    with pytest.raises(SettingError) as caught:
        load(tmp_path, DATABASE_URL="mysql://root:hunter2@somewhere")
    assert "hunter2" not in caught.value.message
    tokens = dict.fromkeys(("VITRINE_ADMIN_TOKEN", "VITRINE_METRICS_TOKEN", "VITRINE_SECRET_KEY"), "hunter2" * 4)
    settings = load(tmp_path, DATABASE_URL="postgresql://me:hunter2@db/shop", **tokens)
    assert "hunter2" not in repr(settings)


def test_the_password_of_a_counting_server_does_not_show_either(tmp_path: Path) -> None:
    with pytest.raises(SettingError) as caught:
        load(tmp_path, VITRINE_RATE_LIMIT_STORAGE="nonsense://:hunter2@host")
    assert "hunter2" not in caught.value.message
    assert "hunter2" not in repr(load(tmp_path, VITRINE_RATE_LIMIT_STORAGE="redis://:hunter2@host"))


def test_a_counting_server_needs_its_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(SettingError, match=r"takes the Python package redis\. Install vitrine\[redis\]\."):
        load(tmp_path, VITRINE_RATE_LIMIT_STORAGE="redis://host")


def test_limits_may_be_written_in_several_ways(tmp_path: Path) -> None:
    for limit in ("100 per second; 2000 per minute", "100/second, 2000/minute", "1 per 5 minutes"):
        assert load(tmp_path, VITRINE_RATE_LIMIT=limit).rate_limit == limit


def test_an_empty_variable_is_an_absent_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    assert load(tmp_path).database_url is None


def test_a_dot_env_file_in_the_working_directory_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("VITRINE_SHOP_NAME=Corner shop\nUNKNOWN=1\n")
    monkeypatch.chdir(tmp_path)
    assert load_settings().shop_name == "Corner shop"


def test_a_dot_env_file_of_another_encoding_is_refused_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_bytes(b"VITRINE_SHOP_NAME=Caf\xe9\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingError, match="not UTF-8"):
        load_settings()


def test_origins_are_split_at_commas(tmp_path: Path) -> None:
    settings = load(tmp_path, VITRINE_CORS_ORIGINS="https://a.example, https://b.example,")
    assert settings.cors_origins == ("https://a.example", "https://b.example")


def test_a_relative_data_directory_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(Path("data")).image_dir == tmp_path / "data" / "images"


def test_the_secret_key_is_made_once_and_is_the_owners_alone(tmp_path: Path) -> None:
    key = load(tmp_path / "data").secret_key
    file = tmp_path / "data" / "secret_key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(key) >= 32
    assert load(tmp_path / "data").secret_key == key
    assert [path.name for path in file.parent.iterdir()] == ["secret_key"]


def test_processes_that_start_together_agree_on_the_secret_key(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        keys = pool.map(read_key, [tmp_path] * 8)
    assert len(set(keys)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def read_key(data_dir: Path) -> str:
    return load(data_dir).secret_key


def test_a_given_secret_key_is_used_and_nothing_is_written(tmp_path: Path) -> None:
    assert load(tmp_path, VITRINE_SECRET_KEY="x" * 32).secret_key == "x" * 32
    assert not list(tmp_path.iterdir())


def test_a_damaged_secret_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("\n")
    with pytest.raises(SettingError, match="damaged"):
        _ = load(tmp_path).secret_key


def test_a_short_token_is_refused_in_words() -> None:
    with pytest.raises(SettingError, match="VITRINE_ADMIN_TOKEN: Write at least 16 characters"):
        load_settings(_env_file=None, VITRINE_ADMIN_TOKEN="short")
