from __future__ import annotations

import re

from tests.web.world import World
from zeoncrm.web.server import create_app


async def test_every_route_of_the_api_is_described_and_nothing_else(world: World) -> None:
    document = (await (await world.api()).get("/api/v1/openapi.json")).json
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    served = {
        (route.method, route.resource.canonical)
        for route in create_app(world.services).router.routes()
        if route.resource is not None and route.resource.canonical.startswith("/api/") and route.method != "HEAD"
    }
    assert described == served


async def test_every_reference_of_the_document_leads_somewhere(world: World) -> None:
    answer = await (await world.api()).get("/api/v1/openapi.json")
    references = set(re.findall(r'"#/components/schemas/(\w+)"', answer.text))
    assert references <= answer.json["components"]["schemas"].keys()
    assert "CallOut" in references
