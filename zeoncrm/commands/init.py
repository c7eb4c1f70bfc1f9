"""`zeoncrm init`: a config file, and what the PBX must know."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

from zeoncrm.config import PLACES, ConfigError

CONFIG = """\
# zeoncrm's configuration: what it needs before its pages are up. Stages, rules and people are set in the pages.
# Any key can be given as ZEONCRM_SECTION__KEY, for instance ZEONCRM_DATABASE__URL.

[database]
url = "sqlite:///var/lib/zeoncrm/zeoncrm.db"      # or postgresql://user@host/zeoncrm

[web]
host = "127.0.0.1"
port = 8080

[phones]
region = "RU"                  # how numbers without a country code are read

[[pbx]]
name = "main"
host = "127.0.0.1"
port = 5038
username = "zeoncrm"
secret = "{secret}"
originate_channel = "PJSIP/{{extension}}"
originate_context = "from-internal"
trunks = []                    # channel patterns; empty: phones are known by what the PBX tells, the rest is outside
# The PBX's call records fill in the calls that come while zeoncrm is off; the folder is where it records them.
# cdr = "csv:///var/log/asterisk/cdr-csv/Master.csv"    # or "mysql://user:secret@host/asteriskcdrdb"
# recordings = "/var/spool/asterisk/monitor"
"""

# Least rights. system: FullyBooted; call: channels, dials, bridges; agent: queues; cdr: what ended while we were away.
# The default write timeout of 100 ms disconnects a reader that stalls for a moment.
STANZA = """\
; into /etc/asterisk/manager.conf (FreePBX, Issabel: manager_custom.conf), then: asterisk -rx "manager reload"
; The manager must be on: [general] enabled = yes. permit: the address of the CRM's machine, as the PBX sees it.
[zeoncrm]
secret = {secret}
deny = 0.0.0.0/0.0.0.0
permit = 127.0.0.1/255.255.255.255
read = system,call,agent,cdr
write = call,originate
writetimeout = 5000
"""


def init(path: Path | None) -> int:
    """Write the file, readable by its owner alone; raises ConfigError rather than write over one."""
    target = path or PLACES[0]
    secret = secrets.token_urlsafe(24)
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigError(f"{target} exists; it is left as it is") from None
    except OSError as error:
        raise ConfigError(f"{target}: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(CONFIG.format(secret=secret))
    print(STANZA.format(secret=secret), end="")
    print(f"Wrote {target}. Give the PBX the stanza above, then: zeoncrm --config {target} doctor", file=sys.stderr)
    return 0
