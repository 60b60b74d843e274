#include "catalog/schema.h"

#include <array>
#include <string>

#include "eventlens/error.h"

namespace eventlens {

namespace {

// Times are milliseconds since 1970 in UTC. Keys, fingerprints and UUIDs are blobs: any bytes, compared as
// bytes. What is stored for each face or read of a photo is clustered by photo (WITHOUT ROWID), as it is
// always used together. AUTOINCREMENT: an id that was once told to someone never comes to mean another event
// or photo.
constexpr std::string_view first_step = R"sql(
CREATE TABLE organisations(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    billable_searches INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO organisations(id, name) VALUES (1, 'default');

CREATE TABLE events(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation INTEGER NOT NULL REFERENCES organisations(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    date TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    bib_pattern TEXT NOT NULL,
    status TEXT NOT NULL,
    embedder TEXT NOT NULL,
    cover_image TEXT NOT NULL,
    confidence_percentage REAL,
    enabled INTEGER NOT NULL,
    bib_search INTEGER NOT NULL,
    selfie_search INTEGER NOT NULL,
    name_search INTEGER NOT NULL,
    video_search INTEGER NOT NULL,
    video_selfie_search INTEGER NOT NULL,
    timeline_search INTEGER NOT NULL,
    created INTEGER NOT NULL,
    billable_searches INTEGER NOT NULL DEFAULT 0,
    change_counter INTEGER NOT NULL DEFAULT 0,    -- grows by one with every transaction that changes the event
    settings_changed INTEGER NOT NULL DEFAULT 0,  -- the counter when settings, roster or clocks last changed
    UNIQUE(organisation, name),
    UNIQUE(organisation, slug)
) STRICT;

CREATE TABLE roster(
    event INTEGER NOT NULL REFERENCES events(id) ON DELETE CASCADE,
    bib TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY(event, bib)
) STRICT, WITHOUT ROWID;

CREATE TABLE clocks(
    event INTEGER NOT NULL REFERENCES events(id) ON DELETE CASCADE,
    camera TEXT NOT NULL,
    seconds INTEGER NOT NULL,  -- to add to the camera's time
    PRIMARY KEY(event, camera)
) STRICT, WITHOUT ROWID;

CREATE TABLE sources(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event INTEGER NOT NULL REFERENCES events(id) ON DELETE CASCADE,
    uri TEXT NOT NULL,
    UNIQUE(event, uri)
) STRICT;

-- Names of embedders and bib readers.
CREATE TABLE models(
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE photos(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid BLOB NOT NULL UNIQUE CHECK(length(uuid) = 16),
    event INTEGER NOT NULL REFERENCES events(id) ON DELETE CASCADE,
    source INTEGER NOT NULL REFERENCES sources(id) ON DELETE CASCADE,
    key BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    bytes INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    captured_local INTEGER,   -- milliseconds as the camera says
    captured_offset INTEGER,  -- minutes from UTC, if the camera says
    captured_utc INTEGER,     -- from these, the event's time zone and the camera's clock offset
    camera TEXT NOT NULL,
    failure TEXT,             -- why it could not be processed; NULL: it was
    reader INTEGER REFERENCES models(id),
    hidden INTEGER NOT NULL DEFAULT 0,
    indexed INTEGER NOT NULL,
    changed INTEGER NOT NULL,  -- the event's change counter when it was last put, hidden or shown
    UNIQUE(source, key)
) STRICT;
CREATE INDEX photos_by_change ON photos(event, changed);
CREATE INDEX photos_by_time ON photos(event, captured_utc, uuid);
CREATE INDEX photos_failed ON photos(event) WHERE failure IS NOT NULL;
CREATE INDEX photos_hidden ON photos(event) WHERE hidden;

-- Photos that were removed, for those who read the changes.
CREATE TABLE removals(
    event INTEGER NOT NULL REFERENCES events(id) ON DELETE CASCADE,
    changed INTEGER NOT NULL,
    photo INTEGER NOT NULL,
    PRIMARY KEY(event, changed, photo)
) STRICT, WITHOUT ROWID;

-- Boxes and landmarks in pixels of the upright photo.
CREATE TABLE faces(
    photo INTEGER NOT NULL REFERENCES photos(id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    x REAL NOT NULL,
    y REAL NOT NULL,
    width REAL NOT NULL,
    height REAL NOT NULL,
    landmarks BLOB NOT NULL,  -- float32: x and y of five points
    confidence REAL NOT NULL,
    quality REAL NOT NULL,
    PRIMARY KEY(photo, ordinal)
) STRICT, WITHOUT ROWID;

-- The model is part of the key: embeddings of two models never meet.
CREATE TABLE embeddings(
    photo INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    model INTEGER NOT NULL REFERENCES models(id),
    vector BLOB NOT NULL,  -- float16
    PRIMARY KEY(photo, ordinal, model),
    FOREIGN KEY(photo, ordinal) REFERENCES faces(photo, ordinal) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Which models have embedded a photo, one without faces too.
CREATE TABLE photo_embedders(
    photo INTEGER NOT NULL REFERENCES photos(id) ON DELETE CASCADE,
    model INTEGER NOT NULL REFERENCES models(id),
    PRIMARY KEY(photo, model)
) STRICT, WITHOUT ROWID;

CREATE TABLE bib_reads(
    photo INTEGER NOT NULL REFERENCES photos(id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    text TEXT NOT NULL,
    confidences BLOB NOT NULL,  -- float32
    corners BLOB NOT NULL,      -- float32: x and y of four points
    evidence BLOB NOT NULL,     -- float32
    PRIMARY KEY(photo, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE searches(
    id INTEGER PRIMARY KEY,
    event INTEGER NOT NULL REFERENCES events(id) ON DELETE CASCADE,
    request_id BLOB NOT NULL CHECK(length(request_id) = 16),
    kind TEXT NOT NULL CHECK(kind IN ('selfie', 'bib')),
    bib TEXT NOT NULL,
    confidence_percentage REAL,
    created INTEGER NOT NULL,
    expires INTEGER,
    UNIQUE(event, request_id)
) STRICT;
CREATE INDEX searches_by_expiry ON searches(expires) WHERE expires IS NOT NULL;

CREATE TABLE search_matches(
    search INTEGER NOT NULL REFERENCES searches(id) ON DELETE CASCADE,
    rank INTEGER NOT NULL,
    photo INTEGER NOT NULL REFERENCES photos(id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK(kind IN ('face', 'bib', 'bib_unsure', 'bib_partial')),
    probability REAL NOT NULL,
    x REAL NOT NULL,
    y REAL NOT NULL,
    width REAL NOT NULL,
    height REAL NOT NULL,
    face INTEGER NOT NULL,
    similarity REAL NOT NULL,
    bib TEXT NOT NULL,
    PRIMARY KEY(search, rank)
) STRICT, WITHOUT ROWID;
CREATE INDEX search_matches_by_photo ON search_matches(photo);
)sql";

// Videos: times within them are seconds. Where reading was interrupted, an appearance that went on is stored
// in pieces, so that what was committed once is never written again.
constexpr std::string_view second_step = R"sql(
CREATE TABLE videos(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid BLOB NOT NULL UNIQUE CHECK(length(uuid) = 16),
    event INTEGER NOT NULL REFERENCES events(id) ON DELETE CASCADE,
    source INTEGER NOT NULL REFERENCES sources(id) ON DELETE CASCADE,
    key BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    bytes INTEGER NOT NULL,
    container TEXT NOT NULL,
    codec TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    rotation INTEGER NOT NULL,
    frame_rate REAL NOT NULL,
    duration REAL NOT NULL,
    audio_tracks INTEGER NOT NULL,
    recorded_utc INTEGER,
    failure TEXT,              -- why it could not be read, or not to its end; NULL: it could
    embedder INTEGER REFERENCES models(id),  -- NULL: what it made was removed
    reader INTEGER NOT NULL REFERENCES models(id),
    hidden INTEGER NOT NULL DEFAULT 0,
    turn INTEGER NOT NULL,     -- the event's change counter when somebody last began to read it
    indexed_until REAL NOT NULL DEFAULT 0,
    finished INTEGER NOT NULL, -- no more will be read; of a failed one too
    damaged_frames INTEGER NOT NULL DEFAULT 0,
    indexed INTEGER NOT NULL,
    UNIQUE(source, key)
) STRICT;
CREATE INDEX videos_by_event ON videos(event);

CREATE TABLE appearances(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event INTEGER NOT NULL REFERENCES events(id) ON DELETE CASCADE,
    video INTEGER NOT NULL REFERENCES videos(id) ON DELETE CASCADE,
    chain INTEGER,             -- the first piece of the same appearance; NULL: this is it
    start REAL NOT NULL,
    until REAL NOT NULL,
    sightings INTEGER NOT NULL,
    path BLOB NOT NULL,        -- for each waypoint float64: time, float32: x, y, width, height
    face_time REAL NOT NULL,
    faces_embedded INTEGER NOT NULL,
    goes_on INTEGER NOT NULL,  -- in view where reading the video has come to
    changed INTEGER NOT NULL   -- the event's change counter when it was put or its video hidden or shown
) STRICT;
CREATE INDEX appearances_by_change ON appearances(event, changed);
CREATE INDEX appearances_by_start ON appearances(video, start);
CREATE INDEX appearances_going_on ON appearances(video) WHERE goes_on;

-- Appearances that were removed, for those who read the changes.
CREATE TABLE appearance_removals(
    event INTEGER NOT NULL REFERENCES events(id) ON DELETE CASCADE,
    changed INTEGER NOT NULL,
    appearance INTEGER NOT NULL,
    PRIMARY KEY(event, changed, appearance)
) STRICT, WITHOUT ROWID;

-- The best look, if a face was seen. Box and landmarks in pixels of the upright video.
CREATE TABLE appearance_faces(
    appearance INTEGER PRIMARY KEY REFERENCES appearances(id) ON DELETE CASCADE,
    x REAL NOT NULL,
    y REAL NOT NULL,
    width REAL NOT NULL,
    height REAL NOT NULL,
    landmarks BLOB NOT NULL,  -- float32: x and y of five points
    confidence REAL NOT NULL,
    quality REAL NOT NULL
) STRICT;

CREATE TABLE appearance_embeddings(
    appearance INTEGER PRIMARY KEY REFERENCES appearance_faces(appearance) ON DELETE CASCADE,
    model INTEGER NOT NULL REFERENCES models(id),
    vector BLOB NOT NULL  -- float16
) STRICT;

CREATE TABLE appearance_reads(
    appearance INTEGER NOT NULL REFERENCES appearances(id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    time REAL NOT NULL,
    text TEXT NOT NULL,
    confidences BLOB NOT NULL,  -- float32
    corners BLOB NOT NULL,      -- float32: x and y of four points
    evidence BLOB NOT NULL,     -- float32
    PRIMARY KEY(appearance, ordinal)
) STRICT, WITHOUT ROWID;

ALTER TABLE searches ADD COLUMN searched_videos INTEGER NOT NULL DEFAULT 0;

CREATE TABLE search_appearances(
    search INTEGER NOT NULL REFERENCES searches(id) ON DELETE CASCADE,
    rank INTEGER NOT NULL,
    appearance INTEGER NOT NULL REFERENCES appearances(id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK(kind IN ('face', 'bib', 'bib_unsure', 'bib_partial')),
    probability REAL NOT NULL,
    similarity REAL NOT NULL,
    bib TEXT NOT NULL,
    PRIMARY KEY(search, rank)
) STRICT, WITHOUT ROWID;
CREATE INDEX search_appearances_by_appearance ON search_appearances(appearance);
)sql";

// Pictures made of photos, and what lies in buckets.
constexpr std::string_view third_step = R"sql(
ALTER TABLE sources ADD COLUMN access TEXT NOT NULL DEFAULT '';  -- how it was reached; no secret

-- Places that hold files of ours.
CREATE TABLE stores(
    id INTEGER PRIMARY KEY,
    uri TEXT NOT NULL UNIQUE,  -- empty: the workspace's own folder, wherever that is moved to
    access TEXT NOT NULL       -- how it is reached; no secret
) STRICT;

-- How renditions of an event's photos are made. No row: none are.
CREATE TABLE rendition_settings(
    event INTEGER PRIMARY KEY REFERENCES events(id) ON DELETE CASCADE,
    store INTEGER NOT NULL REFERENCES stores(id),
    thumbnail_side INTEGER NOT NULL,
    preview_side INTEGER NOT NULL,
    quality INTEGER NOT NULL,
    artwork BLOB NOT NULL,           -- PNG; empty: no watermark
    artwork_portrait BLOB NOT NULL,  -- PNG; empty: as the other
    position TEXT NOT NULL,
    width REAL NOT NULL,
    margin REAL NOT NULL,
    opacity REAL NOT NULL
) STRICT;

-- Renditions that are stored: the file came first.
CREATE TABLE renditions(
    photo INTEGER NOT NULL REFERENCES photos(id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK(kind IN ('thumbnail', 'preview')),
    store INTEGER NOT NULL REFERENCES stores(id),
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    recipe TEXT NOT NULL,  -- a digest of all that decides how it looks
    PRIMARY KEY(photo, kind)
) STRICT, WITHOUT ROWID;

-- Photos whose renditions are being made, new ones with the UUID that they will have: their files may be there
-- already, so that none is ever lost track of.
CREATE TABLE begun_renditions(
    source INTEGER NOT NULL REFERENCES sources(id) ON DELETE CASCADE,
    key BLOB NOT NULL,
    uuid BLOB NOT NULL CHECK(length(uuid) = 16),
    store INTEGER NOT NULL REFERENCES stores(id),
    PRIMARY KEY(source, key)
) STRICT, WITHOUT ROWID;

-- Files that belong to nothing any more and are still to be removed, if they are there at all.
CREATE TABLE unwanted_files(
    store INTEGER NOT NULL REFERENCES stores(id),
    key TEXT NOT NULL,
    PRIMARY KEY(store, key)
) STRICT, WITHOUT ROWID;

-- How long what people ask for is kept. Searches that were saved before this step go on without an end.
ALTER TABLE events ADD COLUMN selfie_retention INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN search_lifetime_days REAL DEFAULT 30;  -- NULL: for good

-- Selfies, of events that keep them.
CREATE TABLE search_selfies(
    search INTEGER NOT NULL REFERENCES searches(id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    picture BLOB NOT NULL,  -- JPEG
    model INTEGER NOT NULL REFERENCES models(id),
    vector BLOB NOT NULL,   -- float16
    PRIMARY KEY(search, ordinal)
) STRICT;

-- Purges that have begun and whose receipts are not written yet. They outlive their events.
CREATE TABLE purges(
    event INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL CHECK(length(uuid) = 16),
    name TEXT NOT NULL,
    begun INTEGER NOT NULL,
    bytes INTEGER NOT NULL  -- of the catalog's files at the beginning
) STRICT;

-- What they have removed.
CREATE TABLE purge_counts(
    event INTEGER NOT NULL REFERENCES purges(event) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    removed INTEGER NOT NULL,
    PRIMARY KEY(event, kind)
) STRICT, WITHOUT ROWID;
)sql";

// Who may ask, what an event's clips are like, and what the organiser took away for good.
constexpr std::string_view fourth_step = R"sql(
ALTER TABLE organisations ADD COLUMN cors_origins TEXT NOT NULL DEFAULT '';  -- a line for each
ALTER TABLE organisations ADD COLUMN created INTEGER NOT NULL DEFAULT 0;
UPDATE organisations SET created = coalesce((SELECT min(created) FROM events WHERE organisation = organisations.id),
                                            CAST(strftime('%s', 'now') AS INTEGER) * 1000);

-- Of a key itself only a digest is kept: whoever reads this file cannot use it.
CREATE TABLE api_keys(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation INTEGER NOT NULL REFERENCES organisations(id) ON DELETE CASCADE,
    hash BLOB NOT NULL UNIQUE CHECK(length(hash) = 32),  -- SHA-256
    shown TEXT NOT NULL,                                 -- how it begins
    name TEXT NOT NULL,
    creator TEXT NOT NULL,
    active INTEGER NOT NULL DEFAULT 1,
    created INTEGER NOT NULL
) STRICT;
CREATE INDEX api_keys_by_organisation ON api_keys(organisation);

ALTER TABLE events ADD COLUMN clip_min_probability REAL NOT NULL DEFAULT 0.5;
ALTER TABLE events ADD COLUMN clip_min_segment REAL NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN clip_max_gap REAL NOT NULL DEFAULT 3;
ALTER TABLE events ADD COLUMN clip_padding_start REAL NOT NULL DEFAULT 2;
ALTER TABLE events ADD COLUMN clip_padding_end REAL NOT NULL DEFAULT 2;
ALTER TABLE events ADD COLUMN clip_max_duration REAL NOT NULL DEFAULT 30;
ALTER TABLE events ADD COLUMN originals INTEGER NOT NULL DEFAULT 0;

-- Somebody chose them; else they turn on with the first video.
ALTER TABLE events ADD COLUMN video_flags_chosen INTEGER NOT NULL DEFAULT 0;
UPDATE events SET video_flags_chosen = 1 WHERE video_search OR video_selfie_search;
UPDATE events SET video_search = 1, video_selfie_search = 1
    WHERE NOT video_flags_chosen AND EXISTS(SELECT 1 FROM videos v WHERE v.event = events.id);

-- Objects that indexing leaves alone, as the organiser removed them for good while the source still has them.
CREATE TABLE forbidden(
    source INTEGER NOT NULL REFERENCES sources(id) ON DELETE CASCADE,
    key BLOB NOT NULL,
    PRIMARY KEY(source, key)
) STRICT, WITHOUT ROWID;

-- What an album shows, in its order: all that is read of it is in here.
DROP INDEX photos_by_time;
CREATE INDEX photos_in_order ON photos(event, captured_utc, uuid) WHERE failure IS NULL AND hidden = 0;

-- Grows with every change that decides who may ask for what.
CREATE TABLE access(counter INTEGER NOT NULL) STRICT;
INSERT INTO access VALUES (1);
CREATE TRIGGER organisation_added AFTER INSERT ON organisations BEGIN UPDATE access SET counter = counter + 1; END;
CREATE TRIGGER organisation_removed AFTER DELETE ON organisations BEGIN UPDATE access SET counter = counter + 1; END;
CREATE TRIGGER organisation_changed AFTER UPDATE OF name, cors_origins ON organisations
BEGIN UPDATE access SET counter = counter + 1; END;
CREATE TRIGGER api_key_added AFTER INSERT ON api_keys BEGIN UPDATE access SET counter = counter + 1; END;
CREATE TRIGGER api_key_removed AFTER DELETE ON api_keys BEGIN UPDATE access SET counter = counter + 1; END;
CREATE TRIGGER api_key_changed AFTER UPDATE ON api_keys BEGIN UPDATE access SET counter = counter + 1; END;
CREATE TRIGGER event_added AFTER INSERT ON events BEGIN UPDATE access SET counter = counter + 1; END;
CREATE TRIGGER event_removed AFTER DELETE ON events BEGIN UPDATE access SET counter = counter + 1; END;
-- Neither the change counter nor the searches that were made.
CREATE TRIGGER event_changed AFTER UPDATE OF
    organisation, name, slug, date, time_zone, bib_pattern, status, embedder, cover_image, confidence_percentage,
    enabled, bib_search, selfie_search, name_search, video_search, video_selfie_search, timeline_search,
    selfie_retention, search_lifetime_days, clip_min_probability, clip_min_segment, clip_max_gap,
    clip_padding_start, clip_padding_end, clip_max_duration, originals ON events
BEGIN UPDATE access SET counter = counter + 1; END;
)sql";

// What a server does on its own time. Work that somebody has taken on is theirs until the lease ends, which
// they renew while they live: a token tells them from whoever takes it on next.
constexpr std::string_view fifth_step = R"sql(
-- Clips of what a search found, one of each video.
CREATE TABLE clip_jobs(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    search INTEGER NOT NULL UNIQUE REFERENCES searches(id) ON DELETE CASCADE,
    state TEXT NOT NULL CHECK(state IN ('processing', 'completed', 'no_matches', 'no_segments', 'clip_failed',
                                        'failed')),
    error TEXT NOT NULL DEFAULT '',  -- why it failed
    created INTEGER NOT NULL,
    finished INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,  -- times that it was taken on since it was started
    token BLOB,
    lease_until INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX clip_jobs_waiting ON clip_jobs(id) WHERE state = 'processing';

CREATE TABLE clips(
    id INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL UNIQUE CHECK(length(uuid) = 16),
    job INTEGER NOT NULL REFERENCES clip_jobs(id) ON DELETE CASCADE,
    video INTEGER NOT NULL REFERENCES videos(id) ON DELETE CASCADE,
    start REAL NOT NULL,
    until REAL NOT NULL,
    store INTEGER NOT NULL REFERENCES stores(id),
    key TEXT NOT NULL,                 -- of its file
    tries INTEGER NOT NULL DEFAULT 0,  -- times that somebody began to cut it
    bytes INTEGER,                     -- of its file; NULL: that is not recorded as stored
    failure TEXT,                      -- why it could not be cut
    UNIQUE(job, video)
) STRICT;
CREATE INDEX clips_by_video ON clips(video);

-- Whatever removes a clip, the file goes too.
CREATE TRIGGER clip_removed AFTER DELETE ON clips
BEGIN INSERT OR IGNORE INTO unwanted_files(store, key) VALUES (OLD.store, OLD.key); END;

-- Index runs that somebody asked a server for.
CREATE TABLE index_runs(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event INTEGER NOT NULL REFERENCES events(id) ON DELETE CASCADE,
    source INTEGER NOT NULL REFERENCES sources(id) ON DELETE CASCADE,
    retry_failed INTEGER NOT NULL,
    state TEXT NOT NULL CHECK(state IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
    cancel INTEGER NOT NULL DEFAULT 0,  -- somebody wants it to end
    error TEXT NOT NULL DEFAULT '',
    created INTEGER NOT NULL,
    started INTEGER,
    finished INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    token BLOB,
    lease_until INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX index_runs_by_event ON index_runs(event);
CREATE INDEX index_runs_waiting ON index_runs(id) WHERE state IN ('queued', 'running');

-- How far it is and, in the end, what it did.
CREATE TABLE index_run_counts(
    run INTEGER NOT NULL REFERENCES index_runs(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value INTEGER NOT NULL,
    PRIMARY KEY(run, name)
) STRICT, WITHOUT ROWID;

-- What could not be processed in it, up to a limit.
CREATE TABLE index_run_failures(
    run INTEGER NOT NULL REFERENCES index_runs(id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    key BLOB NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY(run, ordinal)
) STRICT, WITHOUT ROWID;

-- Who is told of what has finished. The secret signs what they are told.
CREATE TABLE webhooks(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation INTEGER NOT NULL REFERENCES organisations(id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    secret TEXT NOT NULL,
    kinds TEXT NOT NULL,  -- with spaces between
    active INTEGER NOT NULL DEFAULT 1,
    created INTEGER NOT NULL
) STRICT;
CREATE INDEX webhooks_by_organisation ON webhooks(organisation);

CREATE TABLE webhook_deliveries(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid BLOB NOT NULL UNIQUE CHECK(length(uuid) = 16),
    webhook INTEGER NOT NULL REFERENCES webhooks(id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,  -- JSON
    created INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_try INTEGER,       -- NULL: it was delivered, or given up
    delivered INTEGER,
    last_status INTEGER,    -- NULL: no reply came
    last_error TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries(webhook);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries(next_try) WHERE next_try IS NOT NULL;
)sql";

// Why a clip could not be cut, as far as strangers may know.
constexpr std::string_view sixth_step = R"sql(
ALTER TABLE clips ADD COLUMN video_gone INTEGER NOT NULL DEFAULT 0;  -- 1: with a failure: from its source
)sql";

// What was deleted for good does not come back under another name.
constexpr std::string_view seventh_step = R"sql(
ALTER TABLE forbidden ADD COLUMN content BLOB NOT NULL DEFAULT x'';  -- its fingerprint; empty: not known
)sql";

constexpr std::array steps_in_order{first_step, second_step, third_step,  fourth_step,
                                    fifth_step, sixth_step,  seventh_step};

}  // namespace

std::span<const std::string_view> schema_steps() {
    return steps_in_order;
}

int check_schema(sqlite::Database& database, std::span<const std::string_view> steps) {
    // One view of the file: another process may be creating it.
    const sqlite::Transaction view(database, sqlite::Transaction::Kind::read);
    const auto version = database.integer("PRAGMA user_version");
    const auto application = database.integer("PRAGMA application_id");
    const bool empty = database.integer("SELECT count(*) FROM sqlite_schema") == 0;
    if (empty ? application != 0 || version != 0 : application != catalog_application_id || version < 1) {
        throw Error(ErrorCode::bad_input, "catalog " + database.file().string() +
                                              ": it is a database of another program, not a catalog");
    }
    if (version > static_cast<std::int64_t>(steps.size())) {
        throw Error(ErrorCode::unsupported, "catalog " + database.file().string() +
                                                ": the workspace was written by a newer version (schema " +
                                                std::to_string(version) + "; this one knows up to " +
                                                std::to_string(steps.size()) + "); update eventlens");
    }
    return static_cast<int>(version);
}

void migrate(sqlite::Database& database, std::span<const std::string_view> steps) {
    const auto taken = [&] { return static_cast<std::size_t>(database.integer("PRAGMA user_version")); };
    for (std::size_t version = taken(); version < steps.size();
         ++version) {  // up to date: nobody is waited for
        sqlite::Transaction step(database, sqlite::Transaction::Kind::write);
        if (taken() > version)
            continue;  // now that nobody else can write: another process has just taken this step
        database.execute(std::string(steps[version]));
        database.execute("PRAGMA application_id = " + std::to_string(catalog_application_id));
        database.execute("PRAGMA user_version = " + std::to_string(version + 1));
        step.commit();
    }
}

}  // namespace eventlens
