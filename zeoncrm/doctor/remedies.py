"""What to do about each finding that is not ok. Each has its paragraph in the operator's guide, under the same name."""

PARAGRAPHS = "docs/operator/problems.md"

_ANEW = 'asterisk -rx "manager reload", then "Connect anew" on the PBX page'
_ACCOUNT = f"change the account in manager.conf, {_ANEW}"

REMEDIES = {
    # The config and what it names.
    "config-readable": "chmod 640, and let it belong to the daemon's user",
    "pbx-none": "add a [[pbx]] with name, host, username and secret, or run `zeoncrm init`",
    "recordings-folder": "mount the folder, or correct `recordings`; the daemon's user must be allowed to read it",
    "recordings-delete": "let the daemon write there (its unit: ReadWritePaths=), or set recordings_delete = false",
    "run-as-root": "run it as the daemon's user: runuser -u zeoncrm -- /opt/zeoncrm/bin/zeoncrm ... doctor",
    "cdr-none": "name the PBX's call records in `cdr`: Master.csv or its database",
    "cdr-events": "name Master.csv or its database in `cdr` instead, where one can be reached",
    "cdr-away": "see the path, the address, the user and the rights; the daemon's user must be allowed to read",
    "cdr-unwritten": "see that `cdr` names the right place, and that the PBX writes there: cdr show status",
    "cdr-not-understood": "see what writes the records: cdr_csv of Asterisk, or a table with Asterisk's own columns",
    "cdr-timezone": "set `cdr_timezone` to the PBX's zone, or to UTC when cdr.conf says usegmtime = yes",
    # The database.
    "database-away": "see that `database.url` is right, that the server runs, and that this user may open it",
    "database-missing": "nothing: `zeoncrm serve` or `zeoncrm user add` makes it",
    "database-newer": "install the newer version of zeoncrm again, or restore the backup from before",
    "database-older": "nothing: the daemon upgrades it when it starts; make a backup before",
    "database-read-only": "give the daemon's user the right to write, and run doctor as that user",
    "disk-full": "make room: the database grows with each call",
    # People.
    "people-none": "zeoncrm user add LOGIN --name NAME --role admin",
    "person-without-phone": "give them an extension in Settings, People",
    "extension-claimed-twice": "take it from one of the two in Settings, People",
    "extension-elsewhere": "write the `name` of a [[pbx]] behind the @ in Settings, People, or nothing: on every PBX",
    # The web.
    "web-port-any": "set `web.port`, so that a proxy and people find it",
    "web-not-running": "start it: systemctl start zeoncrm",
    "web-not-ours": "stop the other program, or set another `web.port`",
    "web-not-ready": "see the database's lines above, and the daemon's log",
    "web-port": "set a `web.host` of this machine, and a free `web.port` above 1023",
    "web-in-the-clear": "put nginx or Caddy before it, and set `web.public_url` to its https address",
    "public-url": "see the proxy's log, the name's address and the certificate; a router may hide it from here",
    "public-socket": "let the proxy pass Upgrade, Connection and Host on, as config/nginx.conf and Caddyfile do",
    "daemon-files": "the PBX page has its words; see the daemon's user and groups, and what systemd hides from it",
    "link-not-up": 'see the lines of this PBX below; after a change of its account, "Connect anew" on the PBX page',
    # What the dialplan asks.
    "agi-away": "see `agi.host` and `agi.port`, restart zeoncrm after a change of them, and see its log",
    "agi-silent": "see the daemon's log: it says why it does not answer",
    "agi-untried": "nothing: try from the PBX by a call, or add 127.0.0.0/8 to `agi.networks`",
    "agi-loopback": "let `agi.host` be an address that the PBX reaches, and put the PBX's into `agi.networks`",
    # The way to the PBX.
    "pbx-host-unknown": "write the PBX's address into `host`, or put its name into the DNS or /etc/hosts",
    "pbx-refused": "manager.conf, [general]: enabled = yes, and a bindaddr and port that can be reached from here",
    "pbx-unreachable": "see that the PBX is on, and that no firewall lies between; AMI is TCP port 5038",
    "pbx-not-ami": "write the manager's own port into `port`: `port` of [general] in manager.conf, usually 5038",
    "pbx-hangs": 'see the load of the PBX and the network; restart the manager: asterisk -rx "manager reload"',
    "login-refused": "compare user and secret with manager.conf; its `permit` must hold the address named here",
    "login-in-use": "manager.conf, [general]: allowmultiplelogin = yes; or stop the daemon while doctor looks",
    # The account's rights.
    "rights-unknown": "compare `read` of the account with what `zeoncrm init` prints",
    "rights-too-many": "take them away: read = system,call,agent,cdr and write = call,originate are enough",
    "rights-not-reloaded": _ANEW,
    "right-read-call": f"read = system,call,agent,cdr: {_ACCOUNT}",
    "right-read-system": f"read = system,call,agent,cdr: {_ACCOUNT}",
    "right-read-agent": f"read = system,call,agent,cdr: {_ACCOUNT}",
    "right-read-cdr": f"read = system,call,agent,cdr: {_ACCOUNT}",
    "right-write-call": f"write = call,originate: {_ACCOUNT}",
    "right-write-originate": f"write = call,originate: {_ACCOUNT}",
    "write-timeout": f"writetimeout = 5000: {_ACCOUNT}",
    # The PBX itself.
    "asterisk-too-old": "upgrade Asterisk",
    "asterisk-untried": "nothing, as long as a test call shows what it should",
    "clock": "let both machines take their time from NTP: timedatectl set-ntp true",
    "events-silent": "restart the manager or Asterisk; an AMI proxy in between may swallow events",
    "events-untried": "call one of the phones, and see whether the card comes",
    # The dialplan, phones and lines.
    "originate-context": "set `originate_context` to the context of the phones, on FreePBX and Issabel from-internal",
    "originate-extension": "set `originate_context` to a context from which these extensions can be dialled",
    "originate-number": "set `dial` to how numbers are dialled on this PBX, or add an outbound route",
    "originate-channel": "set `originate_channel` to the technology of the phones: SIP/{extension}, for instance",
    "extension-unknown": "correct the extension in Settings, People, or make it on the PBX",
    "phone-unreachable": "see whether these phones are on; a click-to-call can't ring them until they are",
    "phone-without-person": "give them to people in Settings, People; lobby and door phones may stay as they are",
    "trunk-none": "name the lines in `trunks` when calls are shown as internal",
    "trunk-unmatched": "correct the pattern in `trunks`: it is compared with names such as PJSIP/carrier",
    "trunk-unreachable": "see the registration of the line on the PBX",
    "endpoint-unclear": "give phones to people, and name lines in `trunks`",
    # The test call.
    "call-refused": "see the lines on rights and on the dialplan above",
    "call-not-ringing": "see whether the phone is registered, not in use, and not set to do not disturb",
    "call-not-taken": "take the phone when it rings; then doctor sees the rest too",
    "call-not-ended": "see the line on write = call above; put the phone down by hand",
}
