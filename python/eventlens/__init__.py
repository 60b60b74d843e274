"""Eventlens: find a person in an event's photos and videos, from a selfie or a bib number.

    import eventlens

    season = eventlens.open("season")
    event = season.create_event("Lakeside Half 2026", bib_pattern=r"[A-Z]?\\d{2,5}", time_zone="Europe/Berlin")
    report = event.index("photos/")
    event.find_bib("A207")
    event.find_selfie("me.jpg").matches
    event.cut_clips(event.find_clips(selfie="me.jpg"), "clips/")

Importing is quick: models load when they are first used.
"""

from eventlens._core import (
    BadInputError,
    Bib,
    BibRead,
    EventlensError,
    Face,
    IndexProgress,
    ModelStore,
    NotFoundError,
    OverloadedError,
    SourceInfo,
    UnsupportedError,
    decode_image,
    encode_jpeg,
    resize_image,
)
from eventlens.client import Client, RequestError
from eventlens.index_runs import IndexRun
from eventlens.models import BibReader, FaceFinder, open_models
from eventlens.organisations import ApiKey, NewKey, Organisation
from eventlens.renditions import RenditionProgress, RenditionReport, Renditions
from eventlens.results import (
    Appearance,
    IndexReport,
    Match,
    Matches,
    Photo,
    PurgeReport,
    Search,
    Selfie,
    StoredSelfie,
    Video,
)
from eventlens.settings import ClipSettings, Features
from eventlens.storage import Storage, Store, StoredObject, open_store
from eventlens.videos import Clip, ClipSpan, ClipSpans, CutError, cut_clip, read_frame
from eventlens.webhooks import NewWebhook, Webhook, WebhookDelivery
from eventlens.workspace import Event, PhotoDetails, Workspace, open

__all__ = [
    "ApiKey",
    "Appearance",
    "BadInputError",
    "Bib",
    "BibRead",
    "BibReader",
    "Client",
    "Clip",
    "ClipSettings",
    "ClipSpan",
    "ClipSpans",
    "CutError",
    "Event",
    "EventlensError",
    "Face",
    "FaceFinder",
    "Features",
    "IndexProgress",
    "IndexReport",
    "IndexRun",
    "Match",
    "Matches",
    "ModelStore",
    "NewKey",
    "NewWebhook",
    "NotFoundError",
    "Organisation",
    "OverloadedError",
    "Photo",
    "PhotoDetails",
    "PurgeReport",
    "RenditionProgress",
    "RenditionReport",
    "Renditions",
    "RequestError",
    "Search",
    "Selfie",
    "SourceInfo",
    "Storage",
    "Store",
    "StoredObject",
    "StoredSelfie",
    "UnsupportedError",
    "Video",
    "Webhook",
    "WebhookDelivery",
    "Workspace",
    "cut_clip",
    "decode_image",
    "encode_jpeg",
    "open",
    "open_models",
    "open_store",
    "read_frame",
    "resize_image",
]
__version__ = "0.1.0"
