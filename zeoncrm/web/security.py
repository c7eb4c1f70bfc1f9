"""What protects the browser: headers, the origin of requests, the token against forged ones; and whose they are."""

from __future__ import annotations

import hmac
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from zeoncrm.web.access import is_public
from zeoncrm.web.context import bearer_token, csrf_token, request_services
from zeoncrm.web.errors import Problem
from zeoncrm.web.inputs import CSRF_FIELD, FORMS, posted

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER = "X-CSRF-Token"

HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'self'",
            "connect-src 'self'",
            "img-src 'self' data:",
            "media-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


async def add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put the headers on every answer; what is not said to be kept is not kept."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
    response.headers.popall(hdrs.SERVER, None)


@web.middleware
async def csrf_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what another site makes a browser send. With an API token the cookie does not count."""
    if request.method in SAFE_METHODS or bearer_token(request) is not None:
        return await handler(request)
    if not same_origin(request):
        raise Problem(403, "this request comes from another site")
    if not is_public(request) and not await _has_token(request):
        raise Problem(403, "this page is out of date: load it again")
    return await handler(request)


def same_origin(request: web.Request) -> bool:
    """Whether the request comes from a page of ours, or from no page at all."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    # A browser that does not say: one of old, or an address without https.
    origin = request.headers.get(hdrs.ORIGIN)
    return origin is None or urlsplit(origin).netloc.lower() == request.host.lower()


def is_https(request: web.Request) -> bool:
    """Whether the browser's side of the connection is encrypted."""
    return (
        request_services(request).secure_cookies or _forwarded(request, "X-Forwarded-Proto", request.scheme) == "https"
    )


def client_address(request: web.Request) -> str:
    """Where the request comes from; through a proxy of ours, what the proxy says."""
    return _forwarded(request, hdrs.X_FORWARDED_FOR, request.remote or "")


async def _has_token(request: web.Request) -> bool:
    given = request.headers.get(CSRF_HEADER)
    if given is None and request.content_type in FORMS:
        given = (await posted(request)).get(CSRF_FIELD)
    expected = csrf_token(request)
    return bool(expected) and hmac.compare_digest((given or "").encode(), expected.encode())


def _forwarded(request: web.Request, header: str, otherwise: str) -> str:
    """The last value of a header that proxies add, when the sender is one of them."""
    if not _from_proxy(request):
        return otherwise
    return request.headers.get(header, "").rpartition(",")[2].strip() or otherwise


def _from_proxy(request: web.Request) -> bool:
    try:
        sender = ip_address(request.remote or "")
    except ValueError:
        return False
    return any(sender in ip_network(network) for network in request_services(request).trusted_proxies)
