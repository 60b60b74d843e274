#include <algorithm>
#include <array>
#include <charconv>

#include "catalog/catalog_impl.h"

// Events and what the organiser sets.
namespace eventlens {

namespace {

constexpr std::int64_t max_clock_offset =
    100LL * 366 * 24 * 3600;  // seconds; cameras start again at 1980 or 2000

void check_lifetime(const std::optional<double>& days) {
    constexpr double an_hour = 1.0 / 24;
    constexpr double a_hundred_years = 36500;
    if (days && !(*days >= an_hour && *days <= a_hundred_years)) {
        throw Error(ErrorCode::bad_input, "the lifetime of searches must be within 1/24..36500 days");
    }
}

void check_clips(const ClipOptions& clips) {
    // A day: longer than any footage of one event; what is no number fails every comparison.
    constexpr double longest = 24 * 3600;
    for (const double seconds : {clips.min_segment, clips.max_gap, clips.padding_start, clips.padding_end,
                                 clips.max_clip_duration}) {
        if (!(seconds >= 0 && seconds <= longest))
            throw Error(ErrorCode::bad_input, "the seconds of a clip must be within 0..86400");
    }
    if (!(clips.min_probability >= 0 && clips.min_probability <= 1))
        throw Error(ErrorCode::bad_input, "the least probability of a clip must be within 0..1");
}

// "2026-05-09" or "2026-05-09T07:30:00", with the time.
std::string full_date(const std::string& date) {
    if (date.empty()) return date;
    std::string full = date.size() == 10 ? date + "T00:00:00" : date;
    constexpr std::string_view shape = "dddd-dd-ddTdd:dd:dd";
    bool fine = full.size() == shape.size();
    std::array<int, 6> fields{};  // year, month, day, hour, minute, second
    std::size_t field = 0;
    for (std::size_t i = 0; fine && i < shape.size(); ++i) {
        if (shape[i] != 'd') {
            fine = full[i] == shape[i];
            ++field;
        } else {
            fine = full[i] >= '0' && full[i] <= '9';
            fields[field] = fields[field] * 10 + (full[i] - '0');
        }
    }
    const std::chrono::year_month_day day{std::chrono::year(fields[0]),
                                          std::chrono::month(static_cast<unsigned>(fields[1])),
                                          std::chrono::day(static_cast<unsigned>(fields[2]))};
    if (!fine || !day.ok() || fields[3] > 23 || fields[4] > 59 || fields[5] > 59) {
        throw Error(ErrorCode::bad_input,
                    "\"" + date.substr(0, 40) + "\" is no date like 2026-05-09T07:30:00");
    }
    return full;
}

// Lower-case ASCII letters and digits of the name, hyphens between; "event" when there are none.
std::string slug_of(const std::string& name) {
    std::string slug;
    for (const char c : name) {
        const char lower = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        if ((lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9')) {
            slug += lower;
        } else if (!slug.empty() && slug.back() != '-') {
            slug += '-';
        }
    }
    while (slug.ends_with('-')) slug.pop_back();
    return slug.empty() ? "event" : slug;
}

bool slug_taken(sqlite::Database& database, OrganisationId organisation, const std::string& slug,
                EventId by_other_than) {
    return database
        .query("SELECT 1 FROM events WHERE organisation = ? AND slug = ? AND id <> ?", organisation, slug,
               by_other_than)
        .step();
}

// As they are stored: checked, with slug and full date. `event`: theirs, 0 for a new one.
EventSettings completed(sqlite::Database& database, const EventSettings& settings,
                        OrganisationId organisation, EventId event) {
    require_name(settings.name, "an event");
    static_cast<void>(TimeZone::named(settings.time_zone));
    const auto percentage = settings.confidence_percentage;
    if (percentage && !(*percentage >= 0 && *percentage <= 100)) {
        throw Error(ErrorCode::bad_input, "the confidence percentage must be within 0..100");
    }
    check_lifetime(settings.search_lifetime_days);
    check_clips(settings.clips);
    if (database
            .query("SELECT 1 FROM events WHERE organisation = ? AND name = ? AND id <> ?", organisation,
                   settings.name, event)
            .step()) {
        throw Error(ErrorCode::bad_input, "there is an event named \"" + settings.name + "\" already");
    }
    EventSettings full = settings;
    full.date = full_date(settings.date);
    if (settings.slug.empty()) {
        const std::string slug = slug_of(settings.name);
        full.slug = slug;
        for (int n = 2; slug_taken(database, organisation, full.slug, event); ++n)
            full.slug = slug + "-" + std::to_string(n);
    } else if (slug_taken(database, organisation, settings.slug, event)) {
        throw Error(ErrorCode::bad_input,
                    "there is an event with the slug \"" + settings.slug + "\" already");
    }
    return full;
}

constexpr std::string_view event_columns =
    "SELECT id, organisation, name, slug, date, time_zone, bib_pattern, status, embedder, cover_image,"
    " confidence_percentage, enabled, bib_search, selfie_search, name_search, video_search, "
    "video_selfie_search,"
    " timeline_search, selfie_retention, search_lifetime_days, clip_min_probability, clip_min_segment, "
    "clip_max_gap, clip_padding_start, clip_padding_end, clip_max_duration, originals, created, "
    "billable_searches"
    " FROM events"
    " WHERE id = ?";

EventInfo read_event(sqlite::Database& database, EventId event) {
    auto row = database.query(event_columns, event);
    if (!row.step()) throw_not_found("event", event);
    int column = 0;
    EventInfo info;
    info.id = row.integer(column++);
    info.organisation = row.integer(column++);
    EventSettings& settings = info.settings;
    for (std::string* text :
         {&settings.name, &settings.slug, &settings.date, &settings.time_zone, &settings.bib_pattern,
          &settings.status, &settings.embedder, &settings.cover_image}) {
        *text = row.text(column++);
    }
    settings.confidence_percentage = row.maybe_real(column++);
    EventFeatures& features = settings.features;
    for (bool* flag :
         {&features.enabled, &features.bib_search, &features.selfie_search, &features.name_search,
          &features.video_search, &features.video_selfie_search, &features.timeline_search}) {
        *flag = row.integer(column++) != 0;
    }
    settings.selfie_retention = row.integer(column++) != 0;
    settings.search_lifetime_days = row.maybe_real(column++);
    ClipOptions& clips = settings.clips;
    for (double* number : {&clips.min_probability, &clips.min_segment, &clips.max_gap, &clips.padding_start,
                           &clips.padding_end, &clips.max_clip_duration}) {
        *number = row.real(column++);
    }
    settings.originals = row.integer(column++) != 0;
    info.created = row.integer(column++);
    info.billable_searches = row.integer(column++);
    return info;
}

bool other_video_flags(const EventFeatures& a, const EventFeatures& b) {
    return a.video_search != b.video_search || a.video_selfie_search != b.video_selfie_search;
}

void note_changed_settings(sqlite::Database& database, EventId event) {
    const auto change = next_change(database, event);
    database.run("UPDATE events SET settings_changed = ? WHERE id = ?", change, event);
}

}  // namespace

void derive_capture_times(sqlite::Database& database, EventId event,
                          const std::optional<std::string>& camera) {
    const TimeZone zone = TimeZone::named(read_event(database, event).settings.time_zone);
    struct Captured {
        PhotoId photo;
        std::int64_t utc;
    };
    std::vector<Captured> photos;
    auto row = database.query(
        "SELECT p.id, p.captured_local, p.captured_offset, coalesce(c.seconds, 0) FROM photos p"
        " LEFT JOIN clocks c ON c.event = p.event AND c.camera = p.camera"
        " WHERE p.event = ?1 AND p.captured_local IS NOT NULL AND (?2 IS NULL OR p.camera = ?2)",
        event, camera);
    while (row.step()) {
        CaptureTime captured{row.integer(1), std::nullopt};
        if (!row.is_null(2)) captured.utc_offset_minutes = static_cast<int>(row.integer(2));
        photos.push_back({row.integer(0), utc_of(captured, zone, row.integer(3))});
    }
    for (const auto& [photo, utc] : photos) {
        database.run("UPDATE photos SET captured_utc = ?1 WHERE id = ?2 AND captured_utc IS NOT ?1", utc,
                     photo);
    }
}

namespace {

void store_settings(sqlite::Database& database, const EventInfo& before, const EventSettings& settings) {
    const EventSettings full = completed(database, settings, before.organisation, before.id);
    const EventFeatures& features = full.features;
    const ClipOptions& clips = full.clips;
    database.run(
        "UPDATE events SET name = ?, slug = ?, date = ?, time_zone = ?, bib_pattern = ?, status = ?, "
        "embedder = ?,"
        " cover_image = ?, confidence_percentage = ?, enabled = ?, bib_search = ?, selfie_search = ?, "
        "name_search = ?,"
        " video_search = ?, video_selfie_search = ?, timeline_search = ?, selfie_retention = ?,"
        " search_lifetime_days = ?, clip_min_probability = ?, clip_min_segment = ?, clip_max_gap = ?,"
        " clip_padding_start = ?, clip_padding_end = ?, clip_max_duration = ?, originals = ?,"
        " video_flags_chosen = video_flags_chosen OR ? WHERE id = ?",
        full.name, full.slug, full.date, full.time_zone, full.bib_pattern, full.status, full.embedder,
        full.cover_image, full.confidence_percentage, features.enabled, features.bib_search,
        features.selfie_search, features.name_search, features.video_search, features.video_selfie_search,
        features.timeline_search, full.selfie_retention, full.search_lifetime_days, clips.min_probability,
        clips.min_segment, clips.max_gap, clips.padding_start, clips.padding_end, clips.max_clip_duration,
        full.originals, other_video_flags(features, before.settings.features), before.id);
    if (full.time_zone != before.settings.time_zone) derive_capture_times(database, before.id, std::nullopt);
    note_changed_settings(database, before.id);
}

}  // namespace

EventId Catalog::create_event(const EventSettings& settings, OrganisationId organisation) {
    auto write = impl_->write();
    require_organisation(write.database(), organisation);
    const EventSettings full = completed(write.database(), settings, organisation, 0);
    const EventFeatures& features = full.features;
    const ClipOptions& clips = full.clips;
    write->run(
        "INSERT INTO events(organisation, name, slug, date, time_zone, bib_pattern, status, embedder, "
        "cover_image,"
        " confidence_percentage, enabled, bib_search, selfie_search, name_search, video_search, "
        "video_selfie_search,"
        " timeline_search, selfie_retention, search_lifetime_days, clip_min_probability, clip_min_segment, "
        "clip_max_gap, clip_padding_start, clip_padding_end, clip_max_duration, originals, "
        "video_flags_chosen, created)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        organisation, full.name, full.slug, full.date, full.time_zone, full.bib_pattern, full.status,
        full.embedder, full.cover_image, full.confidence_percentage, features.enabled, features.bib_search,
        features.selfie_search, features.name_search, features.video_search, features.video_selfie_search,
        features.timeline_search, full.selfie_retention, full.search_lifetime_days, clips.min_probability,
        clips.min_segment, clips.max_gap, clips.padding_start, clips.padding_end, clips.max_clip_duration,
        full.originals, other_video_flags(features, EventFeatures{}), now_milliseconds());
    const auto event = write->last_insert_id();
    write.commit();
    return event;
}

std::optional<EventId> Catalog::find_event(const std::string& name, OrganisationId organisation) const {
    const auto read = impl_->read();
    auto row = read->query("SELECT id FROM events WHERE organisation = ? AND name = ?", organisation, name);
    if (!row.step()) return std::nullopt;
    return row.integer(0);
}

EventInfo Catalog::event(EventId event) const {
    const auto read = impl_->read();
    return read_event(read.database(), event);
}

std::vector<EventInfo> Catalog::events(OrganisationId organisation) const {
    const auto read = impl_->read();
    std::vector<EventInfo> all;
    auto row =
        read->query("SELECT id FROM events WHERE organisation = ? ORDER BY date DESC, id DESC", organisation);
    while (row.step()) all.push_back(read_event(read.database(), row.integer(0)));
    return all;
}

std::vector<EventId> Catalog::event_ids() const {
    const auto read = impl_->read();
    std::vector<EventId> ids;
    auto row = read->query("SELECT id FROM events ORDER BY id");
    while (row.step()) ids.push_back(row.integer(0));
    return ids;
}

void Catalog::update_event(EventId event, const EventSettings& settings) {
    change_event(event, [&](EventSettings& stored) { stored = settings; });
}

void Catalog::change_event(EventId event, const std::function<void(EventSettings&)>& change) {
    auto write = impl_->write();
    const EventInfo before = read_event(write.database(), event);
    EventSettings settings = before.settings;
    change(settings);
    store_settings(write.database(), before, settings);
    write.commit();
}

void Catalog::set_roster(EventId event, std::span<const RosterEntry> roster) {
    auto write = impl_->write();
    require_event(write.database(), event);
    write->run("DELETE FROM roster WHERE event = ?", event);
    for (const RosterEntry& entry : roster) {
        write->run("INSERT OR REPLACE INTO roster(event, bib, name) VALUES (?, ?, ?)", event, entry.bib,
                   entry.name);
    }
    note_changed_settings(write.database(), event);
    write.commit();
}

std::vector<RosterEntry> Catalog::roster(EventId event) const {
    const auto read = impl_->read();
    require_event(read.database(), event);
    std::vector<RosterEntry> roster;
    auto row = read->query("SELECT bib, name FROM roster WHERE event = ? ORDER BY bib", event);
    while (row.step()) roster.push_back({row.text(0), row.text(1)});
    return roster;
}

void Catalog::set_clock_offset(EventId event, const std::string& camera, std::int64_t seconds) {
    if (seconds > max_clock_offset || seconds < -max_clock_offset) {
        throw Error(ErrorCode::bad_input, "a clock offset of more than a hundred years");
    }
    auto write = impl_->write();
    require_event(write.database(), event);
    write->run("INSERT OR REPLACE INTO clocks(event, camera, seconds) VALUES (?, ?, ?)", event, camera,
               seconds);
    derive_capture_times(write.database(), event, camera);
    note_changed_settings(write.database(), event);
    write.commit();
}

std::vector<CameraClock> Catalog::camera_clocks(EventId event) const {
    const auto read = impl_->read();
    require_event(read.database(), event);
    std::vector<CameraClock> clocks;
    auto row = read->query(
        "SELECT camera, sum(seconds), sum(photos) FROM ("
        " SELECT camera, seconds, 0 AS photos FROM clocks WHERE event = ?1"
        " UNION ALL SELECT camera, 0, count(*) FROM photos WHERE event = ?1 AND camera <> '' GROUP BY camera)"
        " GROUP BY camera ORDER BY camera",
        event);
    while (row.step()) clocks.push_back({row.text(0), row.integer(1), row.integer(2)});
    return clocks;
}

}  // namespace eventlens
