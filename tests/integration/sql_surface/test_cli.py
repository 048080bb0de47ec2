"""`vitrine sql`, with the embedded database and with one that DATABASE_URL names."""

import json
import socket
import tempfile
from pathlib import Path

import psycopg
import pytest

from server.db.embedded import EmbeddedPostgres
from server.db.engine import Database
from server.sql_surface import connect, tower
from tests.databases import fresh_database
from tests.factories import add_product, unit_vector
from tests.integration.sql_surface.conftest import Run, forget_role

ROLE = "vitrine_analyst"


def test_install_shell_dsn_status_and_remove(run: Run, shop: Database, capfd: pytest.CaptureFixture[str]) -> None:
    assert "not installed" in run("sql", "status").output
    installed = run("sql", "install")
    assert installed.exit_code == 0, installed.output
    assert f"installed for the role {ROLE} (version 1)" in installed.output
    status = run("sql", "status")
    assert status.exit_code == 0
    assert status.output == f"Schema: vitrine_sql, version 1\nRole: {ROLE}\n"
    shell = run("sql", "shell", "-XAtc", "SELECT current_user, sku FROM products")
    assert shell.exit_code == 0
    assert capfd.readouterr().out.strip() == f"{ROLE}|A-1"
    url = run("sql", "dsn", "--url").output.strip()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (ROLE,)
    told = json.loads(run("sql", "dsn", "--json").output)
    assert told["url"] == url
    assert told["sqlalchemy_url"].startswith("postgresql+psycopg://")
    removed = run("sql", "remove", "--yes")
    assert removed.output == f"The schema vitrine_sql is gone, and so is the role {ROLE}.\n"
    for command in ("dsn", "shell"):
        assert "Run `vitrine sql install`" in run("sql", command).output


def test_remove_asks_before(run: Run, shop: Database) -> None:
    run("sql", "install")
    assert run("sql", "remove", stdin="n\n").exit_code == 1
    assert run("sql", "status").exit_code == 0


def test_installing_again_and_an_upgrade_change_nothing(run: Run, shop: Database) -> None:
    run("sql", "install")
    before = run("sql", "dsn").output
    assert run("sql", "install").exit_code == 0
    assert run("sql", "dsn").output == before


def test_db_upgrade_renews_it(run: Run, shop: Database) -> None:
    run("sql", "install")
    with shop.connection() as connection:
        connection.execute("UPDATE vitrine_sql_inner.installed SET fingerprint = 'older', version = 0")
    behind = run("sql", "status")
    assert behind.exit_code == 1
    assert "version 0, not of this Vitrine" in behind.output
    assert "Run `vitrine db upgrade`" in behind.output
    assert run("db", "upgrade").exit_code == 0
    assert run("sql", "status").exit_code == 0


def test_without_a_role_there_is_nobody_to_connect_as(run: Run, shop: Database) -> None:
    assert "for its owner alone" in run("sql", "install", "--no-role").output
    result = run("sql", "dsn")
    assert result.exit_code == 2
    assert "installed without a role" in result.output
    assert run("sql", "status").exit_code == 0
    wrong = run("sql", "install", "--no-role", "--role", "x")
    assert wrong.exit_code == 2
    assert "--no-role goes with neither" in wrong.output


def test_another_role_takes_the_place_of_the_one_before(run: Run, shop: Database) -> None:
    run("sql", "install")
    with shop.connection() as connection:
        connection.execute("CREATE ROLE bi LOGIN")
    try:
        assert "for the role bi" in run("sql", "install", "--role", "bi").output
        with shop.connection() as connection:
            assert connection.execute("SELECT rolname FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone() is None
            row = connection.execute("SELECT has_table_privilege('bi', 'vitrine_sql.products', 'SELECT')").fetchone()
        assert row == (True,)
        shell = run("sql", "shell", "-c", "SELECT 1")
        assert shell.exit_code == 2
        assert "The password of bi is not kept on this machine" in shell.output
        assert "Password: not kept on this machine" in run("sql", "dsn").output
        assert run("sql", "install", "--new-password").exit_code == 0
        assert run("sql", "shell", "-XAtc", "SELECT 1").exit_code == 0
    finally:
        run("sql", "install", "--no-role")
        forget_role(shop, "bi")


def test_a_member_is_taken_in_and_let_go(run: Run, shop: Database) -> None:
    run("sql", "install")
    with shop.connection() as connection:
        connection.execute("CREATE ROLE ann_of_cli LOGIN")
    try:
        granted = run("sql", "grant", "ann_of_cli")
        assert granted.exit_code == 0
        assert f"ann_of_cli is a member of {ROLE}." in granted.output
        refused = run("sql", "remove", "--yes")
        assert refused.exit_code == 2
        assert "it has members: ann_of_cli." in refused.output
        assert run("sql", "revoke", "ann_of_cli").output == f"ann_of_cli is no member of {ROLE} any more.\n"
        assert run("sql", "remove", "--yes").exit_code == 0
    finally:
        forget_role(shop, "ann_of_cli")


def test_another_currency_is_told_and_taken_over_by_an_upgrade(
    run: Run, shop: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("sql", "install")
    monkeypatch.setenv("VITRINE_CURRENCY", "EUR")
    behind = run("sql", "status")
    assert behind.exit_code == 1
    assert "Currency of price bounds: the catalogue's; by VITRINE_CURRENCY it is to be EUR" in behind.output
    assert "Run `vitrine db upgrade`." in behind.output
    assert run("db", "upgrade").exit_code == 0
    assert run("sql", "status").exit_code == 0


def test_a_role_that_may_more_is_told(run: Run, shop: Database) -> None:
    run("sql", "install")
    with shop.connection() as connection:
        connection.execute("GRANT SELECT ON staff TO PUBLIC")
    result = run("sql", "status")
    assert result.exit_code == 1
    assert f"The role {ROLE} may also read or change staff" in result.output


def test_install_wants_a_current_database(run: Run, migrated: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with fresh_database(migrated) as empty:
        monkeypatch.setenv("DATABASE_URL", empty.url)
        result = run("sql", "install")
    assert result.exit_code == 2
    assert "vitrine db upgrade" in result.output


def test_status_makes_no_embedded_database(run: Run, data_dir: Path) -> None:
    result = run("sql", "status")
    assert result.exit_code == 1
    assert "There is no database" in result.output
    assert not data_dir.exists()


def test_the_embedded_database_is_reached_by_its_socket(
    run: Run, migrated: Database, short_dir: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VITRINE_DATA_DIR", str(short_dir))
    try:
        assert run("sql", "install").exit_code == 0
        told = run("sql", "dsn").output
        assert f"Host: {short_dir}/postgres (a Unix socket)" in told
        # Who forwards the socket would hand out the owner's rights.
        assert "ssh" not in told
        assert "set VITRINE_SQL_PORT" in told
        assert json.loads(run("sql", "dsn", "--json").output)["port_url"] is None
        assert run("sql", "shell", "-XAtc", "SELECT current_user, pg_has_role('vitrine', 'MEMBER')").exit_code == 0
        assert capfd.readouterr().out.strip() == f"{ROLE}|f"
        # Who lost the password gets another one by installing again: nobody else could have set it.
        (short_dir / connect.FILE).unlink()
        assert run("sql", "install").exit_code == 0
        assert run("sql", "shell", "-XAtc", "SELECT 1").exit_code == 0
    finally:
        run("sql", "remove", "--yes")


def test_at_its_port_the_analyst_has_a_password_and_the_owner_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(prefix="vt-", ignore_cleanup_errors=True) as folder, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv("VITRINE_DATA_DIR", folder)
        monkeypatch.setenv("VITRINE_SQL_PORT", str(port))
        refused = run("db", "upgrade")
        assert refused.exit_code == 2
        assert f"Nothing can listen on 127.0.0.1:{port}" in refused.output
        taken.close()
        embedded = EmbeddedPostgres(Path(folder), port)
        embedded.start()
        try:
            assert run("db", "upgrade").exit_code == 0
            assert run("sql", "install").exit_code == 0
            url = json.loads(run("sql", "dsn", "--json").output)["port_url"]
            assert f"@127.0.0.1:{port}/vitrine" in url
            assert f"ssh -N -L {port}:127.0.0.1:{port} THIS-MACHINE" in run("sql", "dsn").output
            with psycopg.connect(url) as connection:
                assert connection.execute("SELECT current_user, (SELECT count(*) FROM products)").fetchone() == (
                    ROLE,
                    0,
                )
            with psycopg.connect(embedded.url()) as owner:
                owner.execute("ALTER ROLE vitrine PASSWORD 'known'")
            for other in (f"vitrine:known@127.0.0.1:{port}/vitrine", f"{ROLE}:known@127.0.0.1:{port}/postgres"):
                with pytest.raises(psycopg.OperationalError, match="rejects connection"):
                    psycopg.connect(f"postgresql://{other}")
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                psycopg.connect(f"postgresql://{ROLE}:wrong@127.0.0.1:{port}/vitrine")
        finally:
            embedded.release()
        # Without the port it is as before, by the same name of the socket.
        again = EmbeddedPostgres(Path(folder))
        again.start()
        try:
            with psycopg.connect(again.url()) as owner:
                assert owner.execute("SHOW listen_addresses").fetchone() == ("",)
        finally:
            again.release()


def test_the_embedded_database_lets_no_role_in_without_its_password(
    run: Run, migrated: Database, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the account that runs it, which comes in as the owner alone."""
    monkeypatch.setenv("VITRINE_DATA_DIR", str(short_dir))
    rules = (EmbeddedPostgres(short_dir).cluster / "pg_hba.conf").read_text()
    assert "trust" not in rules
    try:
        run("sql", "install")
        url = connect.address_of(migrated.url, ROLE, None).url
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            psycopg.connect(url)
    finally:
        run("sql", "remove", "--yes")


def test_a_restored_shop_has_its_surface_again(
    run: Run, shop: Database, migrated: Database, tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("sql", "install")
    url = run("sql", "dsn", "--url").output.strip()
    file = tmp_path / "shop.backup"
    assert run("backup", str(file)).exit_code == 0
    with shop.connection() as connection:
        add_product(connection, "LATER-1", embedding=unit_vector(2))
    shop.close()
    restored = run("restore", "--replace", str(file))
    assert restored.exit_code == 0, restored.output
    assert run("sql", "status").exit_code == 0
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT sku FROM products").fetchall() == [("A-1",)]
        rows = connection.execute("SELECT sku FROM nearest_products((SELECT embedding FROM products))").fetchall()
    assert rows == [("A-1",)]


def test_a_surface_that_cannot_be_made_again_keeps_nobody_from_the_shop(
    run: Run, shop: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("sql", "install")
    file = tmp_path / "shop.backup"
    run("backup", str(file))
    shop.close()
    monkeypatch.undo()
    monkeypatch.setenv("DATABASE_URL", shop.url)
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(tower, "put_up", refuse)
    restored = run("restore", "--replace", str(file))
    assert restored.exit_code == 0
    assert "The schema vitrine_sql could not be made again. It cannot be computed." in restored.output


def refuse(*_: object) -> None:
    from server.errors import ModelError

    raise ModelError("It cannot be computed.")


def test_an_address_is_written_as_drivers_read_it() -> None:
    url = "postgresql://me:secret@[::1]:6543/shop%20one?sslmode=require&application_name=x&connect_timeout=3"
    address = connect.address_of(url, "an analyst", "p@ss/word")
    assert address.url == "postgresql://an%20analyst:p%40ss%2Fword@[::1]:6543/shop%20one?sslmode=require"
    parts = psycopg.conninfo.conninfo_to_dict(address.url)
    assert (parts["user"], parts["password"], parts["dbname"]) == ("an analyst", "p@ss/word", "shop one")
    assert psycopg.conninfo.conninfo_to_dict(address.conninfo) == parts
    socket = connect.address_of("postgresql://vitrine@/vitrine?host=/a/b%20c", ROLE, None)
    assert socket.is_socket
    assert psycopg.conninfo.conninfo_to_dict(socket.url)["host"] == "/a/b c"


def test_the_password_of_a_damaged_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / connect.FILE).mkdir()
    for act in (connect.read_password, connect.keep_password):
        with pytest.raises(Exception, match=r"analyst's password in .* cannot be read"):
            act(tmp_path)
