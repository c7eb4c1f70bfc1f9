"""Static files: every address holds a fingerprint of all of them, so that a browser may keep them for ever.

One fingerprint for the whole tree, not one a file: modules that import each other relatively stay together. They are
read once, and kept in memory as they are sent.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import hdrs, web

from zeoncrm.web.access import public

FOLDER = Path(__file__).parent / "static"
FOR_EVER = "public, max-age=31536000, immutable"
# What lies there for those who read the source: not served.
UNSERVED = (".LICENSE",)

# Our own scripts as the build minified them: served in place of their sources, at the sources' addresses.
SCRIPTS, MINIFIED = "js", "minified"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent; `zipped` is None where that saves nothing."""

    body: bytes
    zipped: bytes | None
    content_type: str


@dataclass(frozen=True, slots=True)
class Assets:
    """The static files by their name below `/static/`, and the fingerprint of all."""

    files: Mapping[str, Asset]
    fingerprint: str

    def url(self, name: str) -> str:
        """The address of a file; raises KeyError for one that is not there, so that a typing error is seen."""
        if name not in self.files:
            raise KeyError(f"no static file {name}")
        return f"/static/{self.fingerprint}/{name}"


ASSETS = web.AppKey("assets", Assets)


def load_assets(folder: Path = FOLDER) -> Assets:
    """What there is to serve now."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and _is_served(path.relative_to(folder)))
    files = {path.relative_to(folder).as_posix(): _load(path) for path in found}
    digest = hashlib.sha256()
    for name, asset in files.items():
        digest.update(name.encode() + b"\0" + asset.body)
    return Assets(files, digest.hexdigest()[:12])


@public
async def serve_asset(request: web.Request) -> web.StreamResponse:
    """A static file; one of another version is served as it is now, and not kept."""
    assets = request.config_dict[ASSETS]
    asset = assets.files.get(request.match_info["name"])
    if asset is None:
        raise web.HTTPNotFound
    current = request.match_info["fingerprint"] == assets.fingerprint
    headers = {
        hdrs.CONTENT_TYPE: asset.content_type,
        hdrs.CACHE_CONTROL: FOR_EVER if current else "no-cache",
        hdrs.VARY: hdrs.ACCEPT_ENCODING,
    }
    if asset.zipped is None or "gzip" not in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
        return web.Response(body=asset.body, headers=headers)
    return web.Response(body=asset.zipped, headers=headers | {hdrs.CONTENT_ENCODING: "gzip"})


def _is_served(path: Path) -> bool:
    return not path.name.startswith(".") and path.suffix not in UNSERVED and path.parts[0] != MINIFIED


def _load(path: Path) -> Asset:
    body = path.read_bytes()
    if path.parent.name == SCRIPTS:
        body = _minified(path, body) or body
    zipped = gzip.compress(body, mtime=0)
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    charset = "; charset=utf-8" if kind.startswith("text/") or kind.endswith(("javascript", "xml")) else ""
    return Asset(body, zipped if len(zipped) < len(body) else None, kind + charset)


def _minified(path: Path, source: bytes) -> bytes | None:
    """What the build made of a script; None when it was not made of this very source, which was edited since."""
    made = path.parent.parent / MINIFIED / path.name
    if not made.exists():
        return None
    mark, _, body = made.read_bytes().partition(b"\n")
    return body if mark == b"//" + hashlib.sha256(source).hexdigest().encode() else None
