"""What the people of the browser tests have."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.browser.site import REGION, Site
from zeoncrm.pipeline.contacts import NewPhone, create_contact
from zeoncrm.pipeline.deals import NewDeal, create_deal
from zeoncrm.pipeline.people import Viewer, viewer_of
from zeoncrm.store.contacts import ContactRow
from zeoncrm.store.deals import DealRow


def person(site: Site, login: str) -> Viewer:
    """A person by login."""
    return viewer_of(next(row for row in site.directory.rows if row.login == login))


async def contact_of(site: Site, login: str, name: str, number: str, company: str | None = None) -> ContactRow:
    """Somebody's contact."""
    return await create_contact(
        site.database,
        person(site, login),
        name=name,
        phones=[NewPhone(number)],
        region=REGION,
        at=datetime.now(UTC),
        company=company,
    )


async def deal_of(site: Site, login: str, title: str, **values: Any) -> DealRow:
    """Somebody's deal."""
    return await create_deal(site.database, person(site, login), NewDeal(title=title, **values), datetime.now(UTC))
