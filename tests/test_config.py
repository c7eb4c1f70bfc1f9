"""The config file and the environment: what is read, and what is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from zeoncrm.config import Config, ConfigError, load_config

WHOLE = """
[database]
url = "sqlite:///var/lib/zeoncrm/zeoncrm.db"
[web]
host = "127.0.0.1"
port = 8080
[phones]
region = "RU"
[[pbx]]
name = "main"
host = "127.0.0.1"
port = 5038
username = "zeoncrm"
secret = "a secret"
originate_channel = "PJSIP/{extension}"
originate_context = "from-internal"
trunks = []
"""


def read(folder: Path, text: str, environ: dict[str, str] | None = None) -> Config:
    path = folder / "zeoncrm.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, environ or {})


def test_the_contract_s_example_is_read(tmp_path: Path) -> None:
    config = read(tmp_path, WHOLE)

    assert config.web.port == 8080
    assert config.pbx[0].originate_channel == "PJSIP/{extension}"
    assert config.pbx[0].read_secret() == "a secret"


def test_the_shipped_example_is_read() -> None:
    config = load_config(Path(__file__).parent.parent / "config" / "zeoncrm.toml", {})

    assert config.pbx[0].secret_file == "/etc/zeoncrm/main.secret"


@pytest.mark.parametrize(
    "text, key",
    [
        (WHOLE.replace("port = 8080", "prot = 8080"), "web.prot"),
        (WHOLE.replace("port = 8080", 'port = "8080"'), "web.port"),
        (WHOLE.replace("port = 5038", "port = 70000"), "pbx.0.port"),
        (WHOLE.replace('region = "RU"', 'region = "Russia"'), "phones.region"),
        (WHOLE.replace('secret = "a secret"', ""), "secret"),
        (WHOLE.replace("{extension}", "101"), "originate_channel"),
        (WHOLE.replace("trunks = []", 'trunks = "PJSIP/x"'), "pbx.0.trunks"),
        (WHOLE.replace("sqlite:///", "mysql:///"), "database.url"),
        (WHOLE.replace("port = 8080", 'trusted_proxies = ["10.0.0.0/99"]'), "web.trusted_proxies"),
        (WHOLE + '[[pbx]]\nname = "main"\nusername = "b"\nsecret = "c"\n', "two PBXs have the name 'main'"),
        (WHOLE + '[[pbx]]\nname = "b"\nusername = "b"\nsecret = "c"\n', "two PBXs have the address 127.0.0.1:5038"),
        (
            "".join(
                f'[[pbx]]\nname = "{name}"\nhost = "{name}"\nusername = "b"\nsecret = "c"\ncdr = "csv:///x.csv"\n'
                for name in "ab"
            ),
            "two PBXs have the same `cdr`",
        ),
        (WHOLE + "[telephone]\nx = 1\n", "telephone"),
        (WHOLE.replace("trunks = []", 'cdr = "Master.csv"'), "pbx.0.cdr"),
        (WHOLE.replace("trunks = []", 'cdr = "oracle://pbx/cdr"'), "pbx.0.cdr"),
        (WHOLE.replace("trunks = []", 'cdr_timezone = "Mars/Olympus"'), "pbx.0.cdr_timezone"),
        (WHOLE.replace("trunks = []", 'cdr_timezone = "../etc/passwd"'), "pbx.0.cdr_timezone"),
        ("[web\n", "zeoncrm.toml"),
    ],
)
def test_a_mistake_is_named_by_its_key(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, text)

    assert key in str(raised.value)
    assert "a secret" not in str(raised.value)


@pytest.mark.parametrize(
    "text, said",
    [
        (WHOLE.replace("port = 8080", "prot = 8080"), "web.prot: unknown key"),
        (WHOLE.replace("[web]", "[wbe]"), "wbe: unknown key"),
        (WHOLE.replace("[[pbx]]", "[pbx]"), "pbx: write [[pbx]], in double brackets"),
    ],
)
def test_a_mistake_is_said_in_an_operator_s_words(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read(tmp_path, text)

    assert str(raised.value) == said


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: No such file"):
        load_config(tmp_path / "gone.toml", {})


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "zeoncrm.toml"
    path.write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigError, match="not UTF-8"):
        load_config(path, {})


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    given = {
        "ZEONCRM_WEB__PORT": "9000",
        "ZEONCRM_DATABASE__URL": "postgresql://crm@db/zeoncrm",
        "ZEONCRM_PBX__HOST": "10.0.0.9",
        "ZEONCRM_PBX__TRUNKS": "PJSIP/a*, PJSIP/b",
        "ZEONCRM_WEB__TRUSTED_PROXIES": "172.18.0.0/16",
        "ZEONCRM_PBX__SECRET": "12345",
    }

    config = read(tmp_path, WHOLE, given)

    assert (config.web.port, config.database.url) == (9000, "postgresql://crm@db/zeoncrm")
    assert config.web.trusted_proxies == ["172.18.0.0/16"]
    assert (config.pbx[0].host, config.pbx[0].trunks) == ("10.0.0.9", ["PJSIP/a*", "PJSIP/b"])
    assert config.pbx[0].read_secret() == "12345"


def test_a_second_pbx_is_reached_by_its_number(tmp_path: Path) -> None:
    second = '[[pbx]]\nname = "branch"\nusername = "b"\nsecret = "c"\n'

    config = read(tmp_path, WHOLE + second, {"ZEONCRM_PBX__1__PORT": "5039"})

    assert [pbx.port for pbx in config.pbx] == [5038, 5039]


def test_the_environment_alone_is_enough() -> None:
    given = {"ZEONCRM_PBX__USERNAME": "zeoncrm", "ZEONCRM_PBX__SECRET": "s"}

    assert load_config(None, given).pbx[0].name == "main"


@pytest.mark.parametrize(
    "name, value, key",
    [("ZEONCRM_WEB__PROT", "1", "web.prot"), ("ZEONCRM_WEB__PORT", "many", "web.port"), ("ZEONCRM_X__Y", "1", "x")],
)
def test_a_mistake_in_the_environment_is_named_too(tmp_path: Path, name: str, value: str, key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        read(tmp_path, WHOLE, {name: value})


def test_the_named_file_goes_before_the_usual_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "zeoncrm.toml").write_text("[web]\nport = 1\n", encoding="utf-8")
    (tmp_path / "other.toml").write_text("[web]\nport = 2\n", encoding="utf-8")

    assert load_config(None, {}).web.port == 1
    assert load_config(None, {"ZEONCRM_CONFIG": str(tmp_path / "other.toml")}).web.port == 2


def test_no_file_at_all_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("zeoncrm.config.PLACES", (Path("zeoncrm.toml"),))

    with pytest.raises(ConfigError, match="no config file"):
        load_config(None, {})


def test_the_secret_is_not_shown() -> None:
    config = load_config(None, {"ZEONCRM_PBX__USERNAME": "zeoncrm", "ZEONCRM_PBX__SECRET": "hush-hush"})

    assert "hush-hush" not in repr(config)


def test_a_secret_comes_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "main.secret").write_text("from the file\n", encoding="utf-8")
    text = WHOLE.replace('secret = "a secret"', f'secret_file = "{tmp_path}/main.secret"')

    assert read(tmp_path, text).pbx[0].read_secret() == "from the file"
    (tmp_path / "main.secret").unlink()
    with pytest.raises(ConfigError, match=r"pbx\.secret_file"):
        read(tmp_path, text).pbx[0].read_secret()
