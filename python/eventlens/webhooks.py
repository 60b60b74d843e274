"""Webhooks: addresses of an organisation that a server tells what has finished."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from eventlens import _core
from eventlens.results import time_of

WEBHOOK_KINDS = tuple(_core.webhook_kinds())
"""What webhooks can be told of: "index.finished", "clips.finished"."""


@dataclass(frozen=True)
class Webhook:
    """An address that is told what has finished in an organisation's events."""

    id: int
    organisation: int
    url: str
    kinds: tuple[str, ...]
    active: bool
    created: datetime


@dataclass(frozen=True)
class NewWebhook:
    """A webhook that was just made. Tell its secret to whoever checks the signatures: it is not shown afterwards."""

    id: int
    secret: str = field(repr=False)


@dataclass(frozen=True)
class WebhookDelivery:
    """What a webhook was told, or is to be told.

    Attributes:
        uuid: The same at each attempt.
        kind: "ping", "index.finished" or "clips.finished".
        payload: The JSON that is sent.
        next_try: None: it arrived, or was given up.
        delivered: When it arrived, in UTC.
        last_status: Of the answer to the last attempt; None: none came.
        last_error: Why the last attempt failed; else empty.
    """

    uuid: str
    webhook: int
    kind: str
    payload: dict[str, Any]
    created: datetime
    attempts: int
    next_try: datetime | None
    delivered: datetime | None
    last_status: int | None
    last_error: str


def webhook_of(webhook: _core.CoreWebhook) -> Webhook:
    return Webhook(
        webhook.id,
        webhook.organisation,
        webhook.url,
        tuple(webhook.kinds),
        webhook.active,
        time_of(webhook.created),
    )


def delivery_of(delivery: _core.CoreWebhookDelivery) -> WebhookDelivery:
    return WebhookDelivery(
        uuid=delivery.uuid,
        webhook=delivery.webhook,
        kind=delivery.kind,
        payload=json.loads(delivery.payload),
        created=time_of(delivery.created),
        attempts=delivery.attempts,
        next_try=None if delivery.next_try is None else time_of(delivery.next_try),
        delivered=None if delivery.delivered is None else time_of(delivery.delivered),
        last_status=delivery.last_status,
        last_error=delivery.last_error,
    )


def make_webhook(engine: _core.Engine, organisation: int, url: str, kinds: Sequence[str]) -> NewWebhook:
    """With a secret of 32 random bytes, as hexadecimal digits."""
    secret = secrets.token_hex(32)
    return NewWebhook(engine.add_webhook(organisation, url, secret, list(kinds)), secret)


def change_webhook(
    engine: _core.Engine, number: int, url: str | None, kinds: Sequence[str] | None, active: bool | None
) -> Webhook:
    """What is None stays."""
    before = engine.webhook(number)
    engine.update_webhook(
        number,
        before.url if url is None else url,
        before.kinds if kinds is None else list(kinds),
        before.active if active is None else active,
    )
    return webhook_of(engine.webhook(number))


def number_of_webhook(webhook: Webhook | int) -> int:
    return webhook if isinstance(webhook, int) else webhook.id
