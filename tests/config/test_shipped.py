"""The files in config/ are what the programs that read them take."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.config.debian import SHIPPED, Debian, made_debian, run
from zeoncrm.ami.rights import NEEDED, classes
from zeoncrm.commands.init import CONFIG, STANZA
from zeoncrm.config import load_config


@pytest.fixture
def debian() -> Iterator[Debian]:
    with made_debian() as debian:
        yield debian


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
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed: this machine has no systemd")
    unit = tmp_path / "zeoncrm.service"
    unit.write_text((SHIPPED / unit.name).read_text().replace("/opt/zeoncrm/bin/zeoncrm", sys.executable))
    done = run(analyze, "verify", "--man=no", str(unit))
    told = [line for line in done.stderr.splitlines() if unit.name in line]
    assert (done.returncode, told) == (0, [])


@pytest.mark.pbx
def test_nginx_takes_its_site(debian: Debian) -> None:
    folder = debian.inside(debian.folder)
    made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=crm"]
    debian.run("openssl", *made, "-keyout", f"{folder}/privkey.pem", "-out", f"{folder}/fullchain.pem")
    site = (SHIPPED / "nginx.conf").read_text().replace("/etc/ssl/crm.example.com", folder)
    (debian.folder / "site.conf").write_text(site)
    debian.try_nginx()


@pytest.mark.pbx
def test_caddy_takes_its_site(debian: Debian) -> None:
    shutil.copyfile(SHIPPED / "Caddyfile", debian.folder / "Caddyfile")
    site = debian.inside(debian.folder / "Caddyfile")
    done = debian.run("caddy", "adapt", "--validate", "--adapter", "caddyfile", "--config", site)
    assert done.returncode == 0, done.stderr


@pytest.mark.pbx
def test_compose_takes_its_file(debian: Debian) -> None:
    shutil.copyfile(SHIPPED / "compose.yaml", debian.folder / "compose.yaml")
    file = debian.inside(debian.folder / "compose.yaml")
    done = debian.run("docker-compose", "--project-name", "crm", "--file", file, "config", "--quiet")
    assert done.returncode == 0, done.stderr
