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


def test_a_pbx_is_reached_by_its_name_and_no_other_gets_what_is_meant_for_one_that_is_not_there(tmp_path: Path) -> None:
    text = WHOLE + '[[pbx]]\nname = "Branch"\nusername = "b"\nsecret = "c"\n'

    config = read(tmp_path, text, {"ZEONCRM_PBX__BRANCH__HOST": "10.9.9.9"})
    assert [pbx.host for pbx in config.pbx] == ["127.0.0.1", "10.9.9.9"]
    for name in ("ZEONCRM_PBX__OTHER__SECRET", "ZEONCRM_PBX__\u00b2__HOST", "ZEONCRM_PBX__7__HOST"):
        with pytest.raises(ConfigError, match=name):
            read(tmp_path, text, {name: "10.9.9.9"})
    with pytest.raises(ConfigError, match="double brackets"):
        read(tmp_path, 'pbx = ["x"]\n', {"ZEONCRM_PBX__HOST": "10.9.9.9"})


@pytest.mark.parametrize("other", ["LOCALHOST", "::1", "127.0.0.1"])
def test_one_pbx_under_two_names_of_this_machine_is_refused(tmp_path: Path, other: str) -> None:
    text = WHOLE + f'[[pbx]]\nname = "branch"\nhost = "{other}"\nusername = "b"\nsecret = "c"\n'

    with pytest.raises(ConfigError, match="two PBXs have the address"):
        read(tmp_path, text)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://a:b@127.0.0.1:x/asteriskcdrdb",
        "mysql://a:sE@cr3t@127.0.0.1/asteriskcdrdb",
        "mysql://a:s/cr3t@127.0.0.1/asteriskcdrdb",
        "postgresql://a:1/cr3t@127.0.0.1/asterisk",
        "postgresql://a:1#cr3t@127.0.0.1/asterisk",
        "postgresql://a:b@127.0.0.1:70000/asterisk",
    ],
)
def test_the_url_of_a_database_that_would_be_misread_is_refused_without_its_password(tmp_path: Path, url: str) -> None:
    wrong = WHOLE.replace("trunks = []", f'cdr = "{url}"')
    with pytest.raises(ConfigError, match=r"pbx\.0\.cdr: .*%40") as raised:
        read(tmp_path, wrong)
    assert "cr3t" not in str(raised.value)
    if url.startswith("postgresql"):
        with pytest.raises(ConfigError, match=r"database\.url: .*%40"):
            read(tmp_path, WHOLE, {"ZEONCRM_DATABASE__URL": url})


@pytest.mark.parametrize(
    "url",
    [
        "mysql://a:sE%40cr3t@127.0.0.1:3306/asteriskcdrdb",
        "postgresql://reader@[::1]:5432/asterisk?table=cdr",
        "sqlite:////var/log/a@b@c.db",
        "csv:////var/log/asterisk/cdr-csv/Master.csv",
    ],
)
def test_other_urls_of_call_records_are_taken(tmp_path: Path, url: str) -> None:
    assert read(tmp_path, WHOLE.replace("trunks = []", f'cdr = "{url}"')).pbx[0].cdr == url


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


@pytest.mark.parametrize("content", ["", "\n", "one\ntwo\n", "a\x07b"])
def test_a_file_that_holds_no_secret_is_refused_before_the_pbx_is_asked(tmp_path: Path, content: str) -> None:
    (tmp_path / "main.secret").write_text(content, encoding="utf-8")
    text = WHOLE.replace('secret = "a secret"', f'secret_file = "{tmp_path}/main.secret"')

    with pytest.raises(ConfigError, match=r"pbx\.secret_file: .*main\.secret: there is "):
        read(tmp_path, text).pbx[0].read_secret()


def test_a_mark_before_the_secret_is_none_of_it(tmp_path: Path) -> None:
    (tmp_path / "main.secret").write_text("hush\n", encoding="utf-8-sig")
    text = WHOLE.replace('secret = "a secret"', f'secret_file = "{tmp_path}/main.secret"')

    assert read(tmp_path, text).pbx[0].read_secret() == "hush"


def test_a_secret_is_given_in_one_way_and_is_one_line(tmp_path: Path) -> None:
    both = WHOLE.replace('secret = "a secret"', 'secret = "a secret"\nsecret_file = "/etc/zeoncrm/main.secret"')

    with pytest.raises(ConfigError, match="secret and secret_file are both there"):
        read(tmp_path, both)
    with pytest.raises(ConfigError, match=r"pbx\.0\.secret: it holds a line break") as raised:
        read(tmp_path, WHOLE.replace("a secret", "hush\\nhush"))
    assert "hush" not in str(raised.value)
    assert read(tmp_path, WHOLE, {"ZEONCRM_PBX__SECRET_FILE": "/run/secrets/a"}).pbx[0].secret_file == "/run/secrets/a"
