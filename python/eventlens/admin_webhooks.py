"""Who is told of what a server has finished: `eventlens webhook`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

import eventlens
from eventlens.command_options import EveryOrgOption, JsonOption, OrgOption, WorkspaceOption, open_existing
from eventlens.terminal import err, out, print_json, print_table, shown
from eventlens.webhooks import WEBHOOK_KINDS

webhook_app = typer.Typer(
    help="Webhooks: addresses of an organisation that a server tells what has finished.", no_args_is_help=True
)

WebhookArgument = Annotated[int, typer.Argument(help="The webhook's id; see `eventlens webhook list`.")]
KindOption = Annotated[
    list[str] | None,
    typer.Option("--kind", help=f"What it is told of: {', '.join(WEBHOOK_KINDS)}; may be repeated."),
]


@webhook_app.command("add")
def webhook_add(
    url: Annotated[str, typer.Argument(help="Where a server sends it: https:// or http://.")],
    org: OrgOption,
    workspace: WorkspaceOption = Path("workspace"),
    kind: KindOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have an address told of everything that has finished, or of some, and print its secret, once.

    The secret checks the signature of what arrives; docs/server.md shows how.
    """
    made = open_existing(workspace).create_webhook(org, url, kinds=kind or WEBHOOK_KINDS)
    if as_json:
        print_json({"id": made.id, "organisation": org, "secret": made.secret})
        return
    err.print(f"webhook {made.id} of organisation {org}; keep its secret now, it is not shown again:")
    print(made.secret)


@webhook_app.command("list")
def webhook_list(
    workspace: WorkspaceOption = Path("workspace"), org: EveryOrgOption = None, as_json: JsonOption = False
) -> None:
    """The webhooks there are."""
    webhooks = open_existing(workspace).webhooks(org)
    if as_json:
        print_json({"webhooks": [webhook_json(webhook) for webhook in webhooks]})
        return
    print_table(
        ["id", "org", "status", "told of", "created", "url"],
        [
            [
                str(webhook.id),
                str(webhook.organisation),
                "Active" if webhook.active else "Inactive",
                " ".join(webhook.kinds),
                f"{webhook.created:%Y-%m-%d}",
                webhook.url,
            ]
            for webhook in webhooks
        ],
    )


@webhook_app.command("set")
def webhook_set(
    webhook: WebhookArgument,
    workspace: WorkspaceOption = Path("workspace"),
    url: Annotated[str | None, typer.Option(help="A new address.")] = None,
    kind: KindOption = None,
    active: Annotated[
        bool | None, typer.Option("--active/--inactive", help="Whether it is told anything.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Change a webhook; what is not named stays, and so does its secret."""
    changed = open_existing(workspace).update_webhook(webhook, url=url, kinds=kind or None, active=active)
    if as_json:
        print_json(webhook_json(changed))
    else:
        out.print(
            f"webhook {webhook} is {'active' if changed.active else 'inactive'}: {changed.url}", markup=False
        )


@webhook_app.command("remove")
def webhook_remove(webhook: WebhookArgument, workspace: WorkspaceOption = Path("workspace")) -> None:
    """Forget a webhook, with what it was told and is yet to be told."""
    open_existing(workspace).delete_webhook(webhook)
    out.print(f"webhook {webhook} is removed")


@webhook_app.command("test")
def webhook_test(
    webhook: WebhookArgument, workspace: WorkspaceOption = Path("workspace"), as_json: JsonOption = False
) -> None:
    """Have the server send a "ping", to an inactive webhook too; see `eventlens webhook deliveries`."""
    ping = open_existing(workspace).test_webhook(webhook)
    if as_json:
        print_json(delivery_json(ping))
    else:
        out.print(f"a ping waits for the server: {ping.uuid}", soft_wrap=True)


@webhook_app.command("deliveries")
def webhook_deliveries(
    webhook: WebhookArgument, workspace: WorkspaceOption = Path("workspace"), as_json: JsonOption = False
) -> None:
    """What a webhook was told in the last month, what was answered, and what comes next: the latest hundred."""
    deliveries = open_existing(workspace).webhook_deliveries(webhook)
    if as_json:
        print_json({"deliveries": [delivery_json(delivery) for delivery in deliveries]})
        return
    print_table(
        ["delivery", "kind", "created", "attempts", "answer", "status"],
        [
            [
                delivery.uuid,
                delivery.kind,
                f"{delivery.created:%Y-%m-%d %H:%M:%S}",
                str(delivery.attempts),
                shown(delivery.last_error) or str(delivery.last_status or ""),
                outcome_of(delivery),
            ]
            for delivery in deliveries
        ],
    )


def webhook_json(webhook: eventlens.Webhook) -> dict[str, Any]:
    return asdict(webhook) | {"created": webhook.created.isoformat()}


def delivery_json(delivery: eventlens.WebhookDelivery) -> dict[str, Any]:
    told = asdict(delivery) | {"last_error": shown(delivery.last_error)}
    for name in ("created", "next_try", "delivered"):
        told[name] = None if told[name] is None else told[name].isoformat()
    return told


def outcome_of(delivery: eventlens.WebhookDelivery) -> str:
    if delivery.delivered is not None:
        return "delivered"
    if delivery.next_try is None:
        return "given up"
    return f"next try {delivery.next_try:%Y-%m-%d %H:%M:%S}"
