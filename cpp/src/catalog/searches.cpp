#include <array>
#include <utility>

#include "base/uuid.h"
#include "catalog/blobs.h"
#include "catalog/catalog_impl.h"
#include "catalog/rows.h"

// Searches and their frozen answers.
namespace eventlens {

namespace {

constexpr std::array<std::pair<SearchKind, std::string_view>, 2> search_kinds{
    {{SearchKind::selfie, "selfie"}, {SearchKind::bib, "bib"}}};

constexpr std::array<std::pair<MatchKind, std::string_view>, 4> match_kinds{
    {{MatchKind::face, "face"},
     {MatchKind::bib, "bib"},
     {MatchKind::bib_unsure, "bib_unsure"},
     {MatchKind::bib_partial, "bib_partial"}}};

template <typename Names, typename Kind>
std::string_view name_of(const Names& names, Kind kind) {
    for (const auto& [value, name] : names) {
        if (value == kind) return name;
    }
    throw Error(ErrorCode::internal, "catalog: a kind without a name");
}

template <typename Names>
auto kind_named(const Names& names, std::string_view text) {
    for (const auto& [value, name] : names) {
        if (name == text) return value;
    }
    throw Error(ErrorCode::bad_input, "catalog: a stored search is damaged");
}

void put_matches(sqlite::Database& database, EventId event, std::int64_t search,
                 std::span<const Match> matches) {
    int rank = 0;
    for (const Match& match : matches) {
        database.run(
            "INSERT INTO search_matches(search, rank, photo, kind, probability, x, y, width, height, face, "
            "similarity, bib)"
            " SELECT ?, ?, id, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM photos WHERE id = ? AND event = ?",
            search, rank++, name_of(match_kinds, match.kind), match.probability, double{match.box.x},
            double{match.box.y}, double{match.box.width}, double{match.box.height}, match.face,
            double{match.similarity}, match.bib, match.photo, event);
    }
}

void put_appearances(sqlite::Database& database, EventId event, std::int64_t search,
                     std::span<const AppearanceMatch> matches) {
    int rank = 0;
    for (const AppearanceMatch& match : matches) {
        database.run(
            "INSERT INTO search_appearances(search, rank, appearance, kind, probability, similarity, bib)"
            " SELECT ?, ?, id, ?, ?, ?, ? FROM appearances WHERE id = ? AND event = ?",
            search, rank++, name_of(match_kinds, match.kind), match.probability, double{match.similarity},
            match.bib, match.appearance, event);
    }
}

std::vector<AppearanceMatch> read_appearances(sqlite::Database& database, std::int64_t search) {
    std::vector<AppearanceMatch> matches;
    auto row = database.query(
        "SELECT m.appearance, m.kind, m.probability, m.similarity, m.bib FROM search_appearances m"
        " JOIN appearances a ON a.id = m.appearance JOIN videos v ON v.id = a.video"
        " WHERE m.search = ? AND NOT v.hidden ORDER BY m.rank",
        search);
    while (row.step()) {
        matches.push_back({.appearance = row.integer(0),
                           .kind = kind_named(match_kinds, row.text(1)),
                           .probability = row.real(2),
                           .similarity = static_cast<float>(row.real(3)),
                           .bib = row.text(4)});
    }
    return matches;
}

void put_selfies(sqlite::Database& database, std::int64_t search, std::span<const StoredSelfie> selfies) {
    int ordinal = 0;
    for (const StoredSelfie& selfie : selfies) {
        const auto model = find_or_add_model(database, selfie.embedder);
        const auto vector = embedding_blob(selfie.embedding);
        database.run(
            "INSERT INTO search_selfies(search, ordinal, picture, model, vector) VALUES (?, ?, ?, ?, ?)",
            search, ordinal++, std::span(selfie.picture), model, std::span<const std::byte>(vector));
    }
}

// How long a search waits for those that have expired.
constexpr int expired_at_once = 100;

// Returns how many, at most `expired_at_once`.
std::size_t remove_some_expired(sqlite::Database& database, UtcMilliseconds now) {
    database.run("DELETE FROM searches WHERE id IN (SELECT id FROM searches WHERE expires <= ? LIMIT ?)", now,
                 expired_at_once);
    return static_cast<std::size_t>(database.changes());
}

// What an event keeps of the searches that are made in it.
struct Retention {
    bool selfies = false;
    std::optional<UtcMilliseconds> lifetime{};
};

Retention retention_of(sqlite::Database& database, EventId event) {
    constexpr double milliseconds_a_day = 24.0 * 3600 * 1000;
    auto row =
        database.query("SELECT selfie_retention, search_lifetime_days FROM events WHERE id = ?", event);
    if (!row.step()) throw_not_found("event", event);
    Retention retention{.selfies = row.integer(0) != 0};
    if (const auto days = row.maybe_real(1))
        retention.lifetime = static_cast<UtcMilliseconds>(*days * milliseconds_a_day);
    return retention;
}

void count_search(sqlite::Database& database, EventId event) {
    database.run("UPDATE events SET billable_searches = billable_searches + 1 WHERE id = ?", event);
    database.run(
        "UPDATE organisations SET billable_searches = billable_searches + 1"
        " WHERE id = (SELECT organisation FROM events WHERE id = ?)",
        event);
}

}  // namespace

bool Catalog::save_search(EventId event, const SavedSearch& search, std::span<const StoredSelfie> selfies) {
    const auto uuid = parse_uuid(search.request_id);
    if (!uuid) throw Error(ErrorCode::bad_input, "a request id must be a UUID");
    const auto request = std::as_bytes(std::span(*uuid));
    const auto now = now_milliseconds();

    std::size_t expired = 0;
    {
        auto write = impl_->write();
        const Retention retention = retention_of(write.database(), event);
        write->run("DELETE FROM searches WHERE event = ? AND request_id = ? AND expires <= ?", event, request,
                   now);
        expired = static_cast<std::size_t>(write->changes()) + remove_some_expired(write.database(), now);
        auto expires = search.expires;
        if (!expires && retention.lifetime) expires = now + *retention.lifetime;
        write->run(
            "INSERT INTO searches(event, request_id, kind, bib, confidence_percentage, created, expires,"
            " searched_videos) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(event, request_id) DO NOTHING",
            event, request, name_of(search_kinds, search.kind), search.bib, search.confidence_percentage, now,
            expires, search.appearances.has_value());
        if (write->changes() == 0) return false;
        const auto id = write->last_insert_id();
        put_matches(write.database(), event, id, search.matches);
        if (search.appearances) put_appearances(write.database(), event, id, *search.appearances);
        if (retention.selfies) put_selfies(write.database(), id, selfies);
        if (search.billable) count_search(write.database(), event);
        write.commit();
    }
    if (expired > 0) impl_->empty_log();
    return true;
}

bool Catalog::set_search_appearances(EventId event, const std::string& request_id,
                                     std::span<const AppearanceMatch> appearances) {
    const auto uuid = parse_uuid(request_id);
    std::optional<std::int64_t> search;
    auto write = impl_->write();
    if (uuid) {
        auto row = write->query(
            "SELECT id, searched_videos FROM searches"
            " WHERE event = ? AND request_id = ? AND (expires IS NULL OR expires > ?)",
            event, std::as_bytes(std::span(*uuid)), now_milliseconds());
        if (row.step()) {
            if (row.integer(1) != 0) return false;
            search = row.integer(0);
        }
    }
    if (!search) throw Error(ErrorCode::not_found, "there is no search " + request_id);
    write->run("UPDATE searches SET searched_videos = 1 WHERE id = ?", *search);
    put_appearances(write.database(), event, *search, appearances);
    write.commit();
    return true;
}

std::optional<SavedSearch> Catalog::load_search(EventId event, const std::string& request_id) const {
    const auto uuid = parse_uuid(request_id);
    if (!uuid) return std::nullopt;
    const auto read = impl_->read();
    auto row = read->query(
        "SELECT id, kind, bib, confidence_percentage, created, expires, searched_videos FROM searches"
        " WHERE event = ? AND request_id = ? AND (expires IS NULL OR expires > ?)",
        event, std::as_bytes(std::span(*uuid)), now_milliseconds());
    if (!row.step()) return std::nullopt;
    SavedSearch search;
    search.request_id = uuid_text(*uuid);
    search.kind = kind_named(search_kinds, row.text(1));
    search.bib = row.text(2);
    search.confidence_percentage = row.maybe_real(3);
    search.created = row.integer(4);
    search.expires = row.maybe_integer(5);
    if (row.integer(6) != 0) search.appearances = read_appearances(read.database(), row.integer(0));

    auto match_row = read->query(
        "SELECT m.photo, m.kind, m.probability, m.x, m.y, m.width, m.height, m.face, m.similarity, m.bib"
        " FROM search_matches m JOIN photos p ON p.id = m.photo WHERE m.search = ? AND NOT p.hidden ORDER BY "
        "m.rank",
        row.integer(0));
    while (match_row.step()) {
        Match& match = search.matches.emplace_back();
        match.photo = match_row.integer(0);
        match.kind = kind_named(match_kinds, match_row.text(1));
        match.probability = match_row.real(2);
        match.box = {static_cast<float>(match_row.real(3)), static_cast<float>(match_row.real(4)),
                     static_cast<float>(match_row.real(5)), static_cast<float>(match_row.real(6))};
        match.face = static_cast<int>(match_row.integer(7));
        match.similarity = static_cast<float>(match_row.real(8));
        match.bib = match_row.text(9);
    }
    return search;
}

std::vector<StoredSelfie> Catalog::stored_selfies(EventId event, const std::string& request_id) const {
    const auto uuid = parse_uuid(request_id);
    std::vector<StoredSelfie> selfies;
    if (!uuid) return selfies;
    const auto read = impl_->read();
    auto row = read->query(
        "SELECT f.picture, f.vector, m.name FROM search_selfies f JOIN searches s ON s.id = f.search"
        " JOIN models m ON m.id = f.model"
        " WHERE s.event = ? AND s.request_id = ? AND (s.expires IS NULL OR s.expires > ?) ORDER BY f.ordinal",
        event, std::as_bytes(std::span(*uuid)), now_milliseconds());
    while (row.step()) {
        const auto picture = row.blob(0);
        selfies.push_back({{picture.begin(), picture.end()}, embedding_of(row.blob(1)), row.text(2)});
    }
    return selfies;
}

void Catalog::remove_search(EventId event, const std::string& request_id) {
    const auto uuid = parse_uuid(request_id);
    std::int64_t removed = 0;
    if (uuid) {
        auto write = impl_->write();
        write->run("DELETE FROM searches WHERE event = ? AND request_id = ?", event,
                   std::as_bytes(std::span(*uuid)));
        removed = write->changes();
        write.commit();
    }
    if (removed == 0) throw Error(ErrorCode::not_found, "there is no search " + request_id);
    impl_->empty_log();
}

std::size_t Catalog::apply_retention(EventId event) {
    {
        auto write = impl_->write();
        const Retention retention = retention_of(write.database(), event);
        if (!retention.selfies) {
            write->run("DELETE FROM search_selfies WHERE search IN (SELECT id FROM searches WHERE event = ?)",
                       event);
        }
        if (retention.lifetime) {
            write->run(
                "UPDATE searches SET expires = created + ?1"
                " WHERE event = ?2 AND (expires IS NULL OR expires > created + ?1)",
                *retention.lifetime, event);
        }
        write.commit();
    }
    return remove_expired_searches();
}

std::size_t Catalog::remove_expired_searches() {
    const auto now = now_milliseconds();
    std::size_t removed = 0;
    while (impl_->read()->query("SELECT 1 FROM searches WHERE expires <= ? LIMIT 1", now).step()) {
        auto write = impl_->write();
        removed += remove_some_expired(write.database(), now);
        write.commit();
    }
    if (removed > 0) impl_->empty_log();
    return removed;
}

}  // namespace eventlens
