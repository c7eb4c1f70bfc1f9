"""The files in config/ are what the programs that read them take. A program that is not installed is passed over."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from zeoncrm.ami.rights import NEEDED, classes
from zeoncrm.commands.init import CONFIG, STANZA
from zeoncrm.config import load_config

SHIPPED = Path(__file__).parents[2] / "config"


def program(name: str) -> str:
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/bin:/sbin:/bin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("stanza", [STANZA, (SHIPPED / "manager.conf").read_text()], ids=["init", "manager.conf"])
def test_both_stanzas_give_exactly_the_rights_that_are_needed(stanza: str) -> None:
    given = dict(re.findall(r"^(\w+) = (.+)$", stanza, re.MULTILINE))
    for kind in ("read", "write"):
        assert classes(given[kind]) == {right.name for right in NEEDED if right.kind == kind}
    assert int(given["writetimeout"]) >= 1000


def test_the_explained_config_and_that_of_init_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "init.toml").write_text(CONFIG.format(secret="s"), encoding="utf-8")
    ours, explained = load_config(tmp_path / "init.toml", {}), load_config(SHIPPED / "zeoncrm.toml", {})
    given = {"secret", "secret_file"}
    assert ours.pbx[0].model_dump(exclude=given) == explained.pbx[0].model_dump(exclude=given)
    assert ours.model_dump(exclude={"pbx"}) == explained.model_dump(exclude={"pbx"})


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    analyze = program("systemd-analyze")
    unit = tmp_path / "zeoncrm.service"
    unit.write_text((SHIPPED / unit.name).read_text().replace("/opt/zeoncrm/bin/zeoncrm", sys.executable))
    done = run(analyze, "verify", "--man=no", str(unit))
    told = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, told) == (0, [])


def test_nginx_takes_its_site(tmp_path: Path) -> None:
    nginx, openssl = program("nginx"), program("openssl")
    key, certificate = tmp_path / "privkey.pem", tmp_path / "fullchain.pem"
    made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=crm"]
    run(openssl, *made, "-keyout", str(key), "-out", str(certificate))
    site = tmp_path / "site.conf"
    site.write_text((SHIPPED / "nginx.conf").read_text().replace("/etc/ssl/crm.example.com", str(tmp_path)))
    whole = tmp_path / "nginx.conf"
    places = "".join(f"{name}_temp_path {tmp_path};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    whole.write_text(
        f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{places}include {site};\n}}\n"
    )
    done = run(nginx, "-t", "-c", str(whole), "-p", str(tmp_path))
    assert done.returncode == 0, done.stderr


def test_caddy_takes_its_site(tmp_path: Path) -> None:
    done = run(
        program("caddy"), "adapt", "--validate", "--adapter", "caddyfile", "--config", str(SHIPPED / "Caddyfile")
    )
    assert done.returncode == 0, done.stderr


def test_compose_takes_its_file() -> None:
    docker = program("docker")
    if run(docker, "compose", "version").returncode != 0:
        pytest.skip("docker compose is not installed")
    done = run(docker, "compose", "--file", str(SHIPPED / "compose.yaml"), "config", "--quiet")
    assert done.returncode == 0, done.stderr
