#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <set>
#include <thread>
#include <unordered_map>

#include "base/uuid.h"
#include "catalog/sqlite.h"
#include "catalog_fixture.h"

// How long what people ask for is kept, and what is left when an event is purged: nothing.
namespace eventlens {
namespace {

using namespace testing;
using namespace std::chrono_literals;

constexpr double a_day = 24.0 * 3600 * 1000;  // milliseconds
constexpr UtcMilliseconds long_ago = 1;

std::string new_id() {
    return uuid_text(make_uuid());
}

// Every byte that the files below a folder hold.
std::vector<std::string> contents_of(const std::filesystem::path& folder) {
    std::vector<std::string> contents;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (!entry.is_regular_file()) continue;
        std::ifstream stream(entry.path(), std::ios::binary);
        contents.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
    }
    return contents;
}

// Long enough not to be anywhere by chance.
constexpr std::size_t shortest_value = 7;

// Those of the values, which have this length at least, that the contents hold anywhere.
std::set<std::string> found_in(const std::vector<std::string>& contents,
                               const std::set<std::string>& values) {
    std::unordered_multimap<std::string_view, const std::string*> by_beginning;
    for (const std::string& value : values)
        by_beginning.emplace(std::string_view(value).substr(0, shortest_value), &value);
    std::set<std::string> found;
    for (const std::string_view file : contents) {
        for (std::size_t at = 0; at + shortest_value <= file.size(); ++at) {
            const auto [begin, end] = by_beginning.equal_range(file.substr(at, shortest_value));
            for (auto value = begin; value != end; ++value) {
                if (file.substr(at).starts_with(*value->second)) found.insert(*value->second);
            }
        }
    }
    return found;
}

std::string_view text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// What was stored is in pieces where it does not fit into a page.
constexpr std::size_t piece_bytes = 64;

// Makes contents that appear nowhere else.
class Random {
  public:
    std::string letters(std::size_t length) {
        std::string text(length, ' ');
        for (char& c : text) c = static_cast<char>('A' + number(26));
        return text;
    }
    float real() { return static_cast<float>(number(1 << 20)) / 1024; }
    std::size_t number(std::size_t below) { return engine_() % below; }

    Face face() {
        Face face = face_like(number(1000));
        for (Point& point : face.landmarks) point = {real(), real()};
        for (float& component : face.embedding) component = real() / 2048;
        return face;
    }
    BibRead read() {
        BibRead read = read_like(letters(10));
        for (Point& corner : read.corners) corner = {real(), real()};
        return read;
    }
    PhotoRecord photo() {
        PhotoRecord photo = photo_like(letters(12) + ".jpg", 0);
        photo.fingerprint = letters(16);
        photo.camera = letters(9);
        for (std::size_t i = number(4); i > 0; --i) photo.faces.push_back(face());
        photo.bib_reads.assign(number(3), {});
        for (BibRead& bib : photo.bib_reads) bib = read();
        return photo;
    }
    Appearance appearance(double start) {
        Appearance seen = appearance_like(start);
        seen.face = face();
        for (Waypoint& waypoint : seen.path) waypoint.box = {real(), real(), real(), real()};
        for (TimedRead& timed : seen.bib_reads) timed.read = read();
        return seen;
    }
    StoredSelfie selfie() {
        StoredSelfie selfie{{}, face().embedding, made_by.embedder};
        for (int i = 0; i < 20'000; ++i) selfie.picture.push_back(static_cast<std::byte>(number(256)));
        return selfie;
    }

  private:
    std::mt19937 engine_{7};
};

// What a purge should have counted.
std::map<std::string, std::int64_t> counts_of(sqlite::Database& database, EventId event) {
    const auto counted = [&](const std::string& sql) {
        auto row = database.query("SELECT " + sql, event);
        row.step();
        return row.integer(0);
    };
    const auto of_photos = [&](const std::string& table) {
        return counted("count(*) FROM " + table + " t JOIN photos p ON p.id = t.photo WHERE p.event = ?");
    };
    const auto of_appearances = [&](const std::string& table) {
        return counted("count(*) FROM " + table +
                       " t JOIN appearances a ON a.id = t.appearance WHERE a.event = ?");
    };
    const auto selfies =
        counted("count(*) FROM search_selfies t JOIN searches s ON s.id = t.search WHERE s.event = ?");
    return {
        {"photos", counted("count(*) FROM photos WHERE event = ?")},
        {"videos", counted("count(*) FROM videos WHERE event = ?")},
        {"faces", of_photos("faces") + of_appearances("appearance_faces")},
        {"embeddings", of_photos("embeddings") + of_appearances("appearance_embeddings") + selfies},
        {"appearances", counted("count(*) FROM appearances WHERE event = ?")},
        {"bib_reads", of_photos("bib_reads") + of_appearances("appearance_reads")},
        {"searches", counted("count(*) FROM searches WHERE event = ?")},
        {"selfies", selfies},
        {"renditions", of_photos("renditions")},
        {"clips", 0},
        {"roster_entries", counted("count(*) FROM roster WHERE event = ?")},
    };
}

class Retention : public CatalogTest {
  protected:
    sqlite::Database raw() const { return sqlite::Database(file(), 15s); }
    std::int64_t rows_of(const std::string& table) const {
        return raw().integer("SELECT count(*) FROM " + table);
    }
    bool anywhere(std::string_view value) const {
        return !found_in(contents_of(workspace()), {std::string(value)}).empty();
    }

    void expect_sound() const {
        auto database = raw();
        auto check = database.query("PRAGMA integrity_check");
        ASSERT_TRUE(check.step());
        EXPECT_EQ(check.text(0), "ok");
        EXPECT_FALSE(database.query("PRAGMA foreign_key_check").step());
    }
};

// --- Searches ---

TEST_F(Retention, ASearchEndsAfterTheEventsTime) {
    Catalog catalog = Catalog::open(workspace());
    const auto lifetime_in = [&](EventId event, const std::string& id) -> std::optional<double> {
        const SavedSearch search = catalog.load_search(event, id).value();
        if (!search.expires) return std::nullopt;
        return static_cast<double>(*search.expires - search.created) / a_day;
    };
    const EventId month = catalog.create_event({.name = "A month"});
    const EventId hours = catalog.create_event({.name = "Hours", .search_lifetime_days = 0.25});
    const EventId good = catalog.create_event({.name = "For good", .search_lifetime_days = std::nullopt});
    EXPECT_EQ(catalog.event(month).settings.search_lifetime_days, 30);
    EXPECT_EQ(catalog.event(good).settings.search_lifetime_days, std::nullopt);
    const std::string id = new_id();
    for (const EventId event : {month, hours, good})
        ASSERT_TRUE(catalog.save_search(event, {.request_id = id}));
    EXPECT_EQ(lifetime_in(month, id), 30);
    EXPECT_EQ(lifetime_in(hours, id), 0.25);
    EXPECT_EQ(lifetime_in(good, id), std::nullopt);
}

TEST_F(Retention, ALifetimeThatIsNoneIsRefused) {
    Catalog catalog = Catalog::open(workspace());
    for (const double days : {0.0, -1.0, 0.01, 36501.0, std::numeric_limits<double>::infinity(),
                              std::numeric_limits<double>::quiet_NaN()}) {
        EXPECT_EQ(code_of([&] { catalog.create_event({.name = "Race", .search_lifetime_days = days}); }),
                  ErrorCode::bad_input)
            << days;
    }
    EXPECT_NO_THROW(catalog.create_event({.name = "Race", .search_lifetime_days = 1.0 / 24}));
}

TEST_F(Retention, ANewTimeHoldsForEarlierSearchesOnlyWhenApplied) {
    Catalog catalog = Catalog::open(workspace());
    const EventId event = catalog.create_event({.name = "Race"});
    const std::string young = new_id();
    const std::string old = new_id();
    const std::string ending = new_id();
    catalog.save_search(event, {.request_id = young});
    catalog.save_search(event, {.request_id = old});
    const UtcMilliseconds soon = catalog.load_search(event, young)->created + 60'000;
    catalog.save_search(event, {.request_id = ending, .expires = soon});
    const Uuid uuid = *parse_uuid(old);
    raw().run("UPDATE searches SET created = created - ? WHERE request_id = ?", 3 * a_day,
              std::as_bytes(std::span(uuid)));

    EventSettings settings = catalog.event(event).settings;
    settings.search_lifetime_days = 2;
    catalog.update_event(event, settings);
    EXPECT_TRUE(catalog.load_search(event, old));
    EXPECT_EQ(catalog.apply_retention(event), 1U);  // as the old one would be gone by now
    EXPECT_EQ(catalog.load_search(event, old), std::nullopt);
    const SavedSearch kept = catalog.load_search(event, young).value();
    EXPECT_EQ(kept.expires, kept.created + static_cast<std::int64_t>(2 * a_day));
    EXPECT_EQ(catalog.load_search(event, ending)->expires, soon);  // nothing is kept for longer

    settings.search_lifetime_days = 60;
    catalog.update_event(event, settings);
    EXPECT_EQ(catalog.apply_retention(event), 0U);
    EXPECT_EQ(catalog.load_search(event, young)->expires, kept.expires);
}

TEST_F(Retention, AnExpiredSearchIsDeletedByTheNextThatIsSaved) {
    Catalog catalog = Catalog::open(workspace());
    const EventId event = catalog.create_event({.name = "Race"});
    const EventId other = catalog.create_event({.name = "Other"});
    const std::string id = new_id();
    catalog.save_search(event, {.request_id = id, .bib = "BIBOFONEWHOASKED", .expires = long_ago});
    EXPECT_EQ(catalog.load_search(event, id), std::nullopt);
    EXPECT_TRUE(anywhere("BIBOFONEWHOASKED"));
    catalog.save_search(other, {.request_id = new_id()});
    EXPECT_EQ(rows_of("searches"), 1);
    EXPECT_FALSE(anywhere("BIBOFONEWHOASKED"));
}

TEST_F(Retention, ExpiredSearchesAreDeletedWhenTheWorkspaceIsOpened) {
    constexpr int searches = 250;  // more than are removed at once
    EventId event = 0;
    {
        Catalog catalog = Catalog::open(workspace());
        event = catalog.create_event({.name = "Race"});
        for (int i = 0; i < searches; ++i) catalog.save_search(event, {.request_id = new_id()});
        catalog.save_search(event, {.request_id = new_id(), .bib = "BIBOFONEWHOASKED"});
    }
    raw().run("UPDATE searches SET expires = ?", long_ago);
    EXPECT_TRUE(anywhere("BIBOFONEWHOASKED"));
    Catalog::open(workspace());
    EXPECT_EQ(rows_of("searches"), 0);
    EXPECT_FALSE(anywhere("BIBOFONEWHOASKED"));
}

TEST_F(Retention, AWorkspaceOpensThoughWhatHasExpiredCannotBeDeletedYet) {
    const std::string id = new_id();
    EventId event = 0;
    {
        Catalog catalog = Catalog::open(workspace());
        event = catalog.create_event({.name = "Race"});
        catalog.save_search(event, {.request_id = id, .expires = long_ago});
    }
    auto database = raw();
    {
        const sqlite::Transaction endless(database, sqlite::Transaction::Kind::write);
        const Catalog catalog = Catalog::open(workspace(), {.patience = 20ms});
        EXPECT_EQ(catalog.load_search(event, id), std::nullopt);
        EXPECT_EQ(rows_of("searches"), 1);
    }
    Catalog::open(workspace());
    EXPECT_EQ(rows_of("searches"), 0);
}

TEST_F(Retention, SelfiesAreKeptOnlyWhereTheEventAsksForIt) {
    Catalog catalog = Catalog::open(workspace());
    Random random;
    const std::vector<StoredSelfie> selfies{random.selfie(), random.selfie()};
    const EventId event = catalog.create_event({.name = "Race"});
    const std::string before = new_id();
    catalog.save_search(event, {.request_id = before}, selfies);
    EXPECT_TRUE(catalog.stored_selfies(event, before).empty());
    const auto face = text_of(selfies[0].picture).substr(500, piece_bytes);
    EXPECT_FALSE(anywhere(face));

    EventSettings settings = catalog.event(event).settings;
    settings.selfie_retention = true;
    catalog.update_event(event, settings);
    const std::string kept = new_id();
    catalog.save_search(event, {.request_id = kept}, selfies);
    EXPECT_TRUE(catalog.stored_selfies(event, before).empty());
    const auto stored = catalog.stored_selfies(event, kept);
    ASSERT_EQ(stored.size(), 2U);
    EXPECT_EQ(stored[1].picture, selfies[1].picture);
    EXPECT_EQ(stored[1].embedder, made_by.embedder);
    for (std::size_t i = 0; i < selfies[1].embedding.size(); ++i)  // with 16 bits a component
        ASSERT_NEAR(stored[1].embedding[i], selfies[1].embedding[i], 5e-4);
    EXPECT_TRUE(anywhere(face));
    EXPECT_TRUE(catalog.stored_selfies(event, "no id").empty());

    settings.selfie_retention = false;
    catalog.update_event(event, settings);
    EXPECT_EQ(catalog.stored_selfies(event, kept).size(), 2U);  // as was promised
    EXPECT_EQ(catalog.apply_retention(event), 0U);
    EXPECT_TRUE(catalog.stored_selfies(event, kept).empty());
    EXPECT_TRUE(catalog.load_search(event, kept));
}

TEST_F(Retention, SelfiesGoWithTheirSearch) {
    Catalog catalog = Catalog::open(workspace());
    Random random;
    const EventId event = catalog.create_event({.name = "Race", .selfie_retention = true});
    const std::vector<StoredSelfie> selfies{random.selfie()};
    const auto face = text_of(selfies[0].picture).substr(500, piece_bytes);

    const std::string asked = new_id();
    catalog.save_search(event, {.request_id = asked}, selfies);
    ASSERT_TRUE(anywhere(face));
    catalog.remove_search(event, asked);
    EXPECT_FALSE(anywhere(face));
    EXPECT_EQ(catalog.load_search(event, asked), std::nullopt);
    EXPECT_EQ(code_of([&] { catalog.remove_search(event, asked); }), ErrorCode::not_found);
    EXPECT_EQ(code_of([&] { catalog.remove_search(event, "no id"); }), ErrorCode::not_found);

    const std::string expired = new_id();
    catalog.save_search(event, {.request_id = expired, .expires = long_ago}, selfies);
    EXPECT_TRUE(catalog.stored_selfies(event, expired).empty());
    ASSERT_TRUE(anywhere(face));
    EXPECT_EQ(catalog.remove_expired_searches(), 1U);
    EXPECT_FALSE(anywhere(face));
}

// --- Purge ---

// A season of two events whose rows lie side by side in the file, with photos that were put again, hidden and
// removed, so that SQLite has moved much of it about.
class Purging : public Retention {
  protected:
    void SetUp() override {
        Catalog catalog = Catalog::open(workspace());
        for (const char* name : {"purged", "other"}) {
            const EventId event = catalog.create_event({.name = name, .selfie_retention = true});
            const SourceId source = catalog.add_source(event, "file:///" + random.letters(10));
            events.push_back(event);
            sources.push_back(source);
            std::vector<RosterEntry> roster;
            for (int i = 0; i < 100; ++i) roster.push_back({random.letters(8), random.letters(14)});
            catalog.set_roster(event, roster);
            catalog.set_clock_offset(event, random.letters(9), 5);
            catalog.remove_videos(event, std::vector{put_video(catalog, source, random.letters(9), 3)});
        }
        for (int round = 0; round < 12; ++round) {
            for (std::size_t i = 0; i < events.size(); ++i) fill(catalog, events[i], sources[i]);
        }
    }

    void fill(Catalog& catalog, EventId event, SourceId source) {
        std::vector<PhotoRecord> records(25);
        for (PhotoRecord& record : records) record = random.photo();
        const auto ids = catalog.put_batch(source, made_by, records);
        catalog.put_batch(source, {.embedder = "dlib", .reader = "paddle"}, std::span(records).first(5));
        catalog.set_hidden(event, std::span(ids).first(3), true);
        catalog.remove_photos(event, std::span(ids).last(2));
        VideoReading reading = catalog.begin_video(source, made_by, video_like(random.letters(11)));
        VideoFootage footage{.until = 30, .finished = true};
        for (int i = 0; i < 8; ++i) footage.appearances.push_back(random.appearance(i));
        ASSERT_TRUE(catalog.put_footage(reading, footage));
        SavedSearch search{.request_id = new_id(), .bib = random.letters(10)};
        for (int i = 5; i < 15; ++i)
            search.matches.push_back({.photo = ids[i], .box = {}, .bib = random.letters(10)});
        search.appearances.emplace();
        for (const AppearanceContent& content : catalog.appearances(reading.video))
            search.appearances->push_back({.appearance = content.appearance, .bib = random.letters(10)});
        ASSERT_TRUE(catalog.save_search(event, search, std::vector{random.selfie()}));
    }

    // Every text and blob in the tables, long ones in pieces.
    static std::set<std::string> values_in(sqlite::Database& database) {
        std::set<std::string> values;
        auto column = database.query(
            "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = "
            "'table'");
        while (column.step()) {
            auto value = database.query("SELECT CAST(" + column.text(1) + " AS BLOB) FROM " + column.text(0) +
                                        " WHERE typeof(" + column.text(1) + ") IN ('text', 'blob')");
            while (value.step()) {
                std::string rest = value.blob_text(0);
                for (; rest.size() >= 2 * piece_bytes; rest.erase(0, piece_bytes))
                    values.insert(rest.substr(0, piece_bytes));
                if (rest.size() >= shortest_value) values.insert(rest);
            }
        }
        return values;
    }

    // All that is stored of an event that stays: every row that leads to it, in order.
    static std::string digest_of(sqlite::Database& database, EventId event) {
        const std::string photos = " IN (SELECT id FROM photos WHERE event = ?)";
        const std::string appearances = " IN (SELECT id FROM appearances WHERE event = ?)";
        const std::string searches = " IN (SELECT id FROM searches WHERE event = ?)";
        const std::vector<std::pair<std::string, std::string>> tables{
            {"events", "id = ?"},
            {"roster", "event = ?"},
            {"clocks", "event = ?"},
            {"sources", "event = ?"},
            {"photos", "event = ?"},
            {"removals", "event = ?"},
            {"faces", "photo" + photos},
            {"embeddings", "photo" + photos},
            {"photo_embedders", "photo" + photos},
            {"bib_reads", "photo" + photos},
            {"videos", "event = ?"},
            {"appearances", "event = ?"},
            {"appearance_removals", "event = ?"},
            {"appearance_faces", "appearance" + appearances},
            {"appearance_embeddings", "appearance" + appearances},
            {"appearance_reads", "appearance" + appearances},
            {"searches", "event = ?"},
            {"search_matches", "search" + searches},
            {"search_appearances", "search" + searches},
            {"search_selfies", "search" + searches},
        };
        std::string digest;
        for (const auto& [table, condition] : tables) {
            std::string columns;
            auto column = database.query("SELECT name FROM pragma_table_info(?)", table);
            while (column.step()) columns += (columns.empty() ? "" : ",") + column.text(0);
            auto row = database.query(
                "SELECT " + columns + " FROM " + table + " WHERE " + condition + " ORDER BY " + columns,
                event);
            const auto count = 1 + std::count(columns.begin(), columns.end(), ',');
            int rows = 0;
            for (; row.step(); ++rows) {
                for (int i = 0; i < count; ++i) digest += row.blob_text(i) + "|";
            }
            EXPECT_GT(rows, 0) << table;
        }
        return digest;
    }

    // The values of all rows. Nearly all can be seen in the files: pieces over the end of a page cannot.
    std::set<std::string> values_to_see() const {
        auto database = raw();
        const auto values = values_in(database);
        auto seen = found_in(contents_of(workspace()), values);
        EXPECT_GE(seen.size(), values.size() * 98 / 100);
        return seen;
    }

    // Whatever is no value of any row any more is nowhere in the workspace.
    void expect_no_residue(const std::set<std::string>& before) const {
        auto database = raw();
        std::set<std::string> gone = before;
        for (const std::string& value : values_in(database)) gone.erase(value);
        EXPECT_GE(gone.size(), before.size() / 3);
        EXPECT_EQ(found_in(contents_of(workspace()), gone), std::set<std::string>());
    }

    void finish_purge(Catalog& catalog) const {
        catalog.purge(events[0]);
        catalog.compact();
        catalog.end_purge(events[0]);
    }

    Random random;
    std::vector<EventId> events;  // that is purged, and the other
    std::vector<SourceId> sources;
};

TEST_F(Purging, LeavesNothingOfTheEventAndEverythingOfOthers) {
    auto database = raw();
    const auto expected = counts_of(database, events[0]);
    const std::string other = digest_of(database, events[1]);
    const auto before = values_to_see();
    for (const auto& [kind, count] : expected)  // those of files have tests of their own
        EXPECT_TRUE(count > 0 || kind == "renditions" || kind == "clips") << kind;

    Catalog catalog = Catalog::open(workspace());
    const Purge purge = catalog.purge(events[0]);
    EXPECT_EQ(purge.event, events[0]);
    EXPECT_EQ(purge.event_name, "purged");
    EXPECT_FALSE(purge.resumed);
    EXPECT_EQ(purge.removed, expected);
    ASSERT_EQ(catalog.unfinished_purges().size(), 1U);
    EXPECT_EQ(catalog.unfinished_purges()[0].uuid, purge.uuid);
    catalog.compact();
    EXPECT_LT(catalog.bytes(), purge.bytes);
    catalog.end_purge(events[0]);
    EXPECT_TRUE(catalog.unfinished_purges().empty());

    expect_no_residue(before);
    EXPECT_EQ(digest_of(database, events[1]), other);
    expect_sound();
    EXPECT_EQ(catalog.event_ids(), std::vector{events[1]});
    EXPECT_EQ(code_of([&] { catalog.purge(events[0]); }), ErrorCode::not_found);
}

TEST_F(Purging, OthersWhoHaveTheWorkspaceOpenSeeItGoing) {
    Catalog catalog = Catalog::open(workspace());
    const Catalog follower = Catalog::open(workspace());
    const Told told = told_since(follower, events[0], 0);
    finish_purge(catalog);
    EXPECT_EQ(code_of([&] { follower.change_counter(events[0]); }), ErrorCode::not_found);
    EXPECT_EQ(code_of([&] { told_since(follower, events[0], told.changes.counter); }), ErrorCode::not_found);
    EXPECT_FALSE(told_since(follower, events[1], 0).put.empty());
    EXPECT_EQ(follower.event_ids(), std::vector{events[1]});
}

// Killed at moments from the beginning to the end of a purge, which somebody else then takes up.
TEST_F(Purging, IsTakenUpWhereverItWasKilled) {
    std::map<std::string, std::int64_t> expected;
    std::set<std::string> before;
    std::string other;
    {
        auto database = raw();
        expected = counts_of(database, events[0]);
        before = values_to_see();
        other = digest_of(database, events[1]);
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    const auto aside = folder / "aside";
    const auto temporary = folder / "temporary";
    std::filesystem::create_directories(temporary);
    std::filesystem::rename(workspace(), aside);
    const auto begin_again = [&] {
        std::filesystem::remove_all(workspace());
        std::filesystem::copy(aside, workspace());
    };
    // In a child, as it changes the environment. A larger catalog would be compacted through a file.
    const auto purge = [&](std::int64_t compact_in_memory) {
        return in_child([&] {
            setenv("SQLITE_TMPDIR", temporary.c_str(), 1);
            Catalog catalog = Catalog::open(workspace(), {.compact_in_memory = compact_in_memory});
            finish_purge(catalog);
            return 0;
        });
    };
    begin_again();
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_EQ(exit_code_of(purge(0)), 0);
    const auto whole = std::chrono::steady_clock::now() - begin;

    // From early to late, and again where the machine was too busy to kill at moments of every kind.
    constexpr int moments = 12;
    int resumed = 0;
    int event_was_gone = 0;  // killed while the file was written anew
    for (int round = 0; round < moments || (round < 5 * moments && (resumed < 3 || event_was_gone < 1));
         ++round) {
        const int moment = 1 + round % moments;
        begin_again();
        const pid_t child = purge(moment % 2 == 0 ? 0 : 1LL << 30);
        std::this_thread::sleep_for(whole * moment / moments);
        kill(child, SIGKILL);
        const bool killed = exit_code_of(child) == -1;
        EXPECT_TRUE(std::filesystem::is_empty(temporary)) << "moment " << moment;

        Catalog catalog = Catalog::open(workspace());
        const bool begun = !catalog.unfinished_purges().empty();
        const bool there = catalog.find_event("purged").has_value();
        if (begun || there) {
            const Purge taken_up = catalog.purge(events[0]);
            EXPECT_EQ(taken_up.resumed, begun);
            EXPECT_EQ(taken_up.removed, expected) << "moment " << moment;
            catalog.compact();
            catalog.end_purge(events[0]);
        }
        resumed += killed && begun ? 1 : 0;
        event_was_gone += killed && begun && !there ? 1 : 0;
        expect_no_residue(before);
        auto database = raw();
        EXPECT_EQ(digest_of(database, events[1]), other);
    }
    expect_sound();
    EXPECT_GE(resumed, 3);
    EXPECT_GE(event_was_gone, 1);
}

TEST_F(Purging, WaitsForReadersAndSaysWhenTheyNeverEnd) {
    Catalog catalog = Catalog::open(workspace(), {.patience = 50ms});
    auto database = raw();
    {
        const sqlite::Transaction endless(database, sqlite::Transaction::Kind::read);
        ASSERT_GT(database.integer("SELECT count(*) FROM photos"), 0);  // its view begins here
        catalog.purge(events[0]);
        EXPECT_EQ(code_of([&] { catalog.compact(); }), ErrorCode::overloaded);
        EXPECT_EQ(catalog.unfinished_purges().size(), 1U);
    }
    {
        const sqlite::Transaction endless(database, sqlite::Transaction::Kind::write);
        EXPECT_EQ(code_of([&] { catalog.compact(); }), ErrorCode::overloaded);
    }
    EXPECT_TRUE(catalog.purge(events[0]).resumed);
    catalog.compact();
}

TEST_F(Purging, CountsWhatIsIndexedMeanwhileToo) {
    constexpr int a_batch = 20;
    auto database = raw();
    const auto known = counts_of(database, events[0]).at("photos");
    std::array<int, 2> told{};
    ASSERT_EQ(pipe(told.data()), 0);
    const pid_t indexer = in_child([&] {
        Catalog catalog = Catalog::open(workspace());
        for (int number = 0;; ++number) {
            try {
                catalog.put_batch(sources[0], made_by, photos_like(std::to_string(number) + "/", a_batch));
            } catch (const Error& error) {
                return error.code() == ErrorCode::not_found ? 0 : 1;
            }
            if (write(told[1], &number, sizeof number) != sizeof number) return 2;
        }
    });
    close(told[1]);
    int number = 0;
    ASSERT_EQ(read(told[0], &number, sizeof number), int{sizeof number});
    Catalog catalog = Catalog::open(workspace());
    const Purge purge = catalog.purge(events[0]);
    EXPECT_EQ(exit_code_of(indexer), 0);
    while (read(told[0], &number, sizeof number) == int{sizeof number}) {
    }
    close(told[0]);
    EXPECT_EQ(purge.removed.at("photos"), known + (number + 1) * a_batch);
    for (const auto& [kind, count] : counts_of(database, events[0])) EXPECT_EQ(count, 0) << kind;
    expect_sound();
}

TEST_F(Purging, TwoProcessesAtOnceCountTogether) {
    auto database = raw();
    const auto expected = counts_of(database, events[0]);
    const pid_t second = in_child([&] {
        Catalog catalog = Catalog::open(workspace());
        return catalog.purge(events[0]).removed == expected ? 0 : 1;
    });
    Catalog catalog = Catalog::open(workspace());
    EXPECT_EQ(catalog.purge(events[0]).removed, expected);
    EXPECT_EQ(exit_code_of(second), 0);
}

TEST_F(Purging, DeletingAnEventAndCompactingLeavesNothingEither) {
    const auto before = values_to_see();
    Catalog catalog = Catalog::open(workspace());
    catalog.delete_event(events[0]);
    EXPECT_TRUE(catalog.unfinished_purges().empty());
    catalog.compact();
    expect_no_residue(before);
}

// SQLite overwrites what is deleted, but not every copy that it left behind when it moved a value within a
// page.
TEST_F(Purging, CompactingEndsWhatWasMovedAside) {
    Catalog catalog = Catalog::open(workspace());
    std::vector<PhotoId> photos;
    for (int batch = 0; batch < 20; ++batch) {
        std::vector<PhotoRecord> records(100);
        for (PhotoRecord& record : records) record = random.photo();
        const auto ids = catalog.put_batch(sources[1], made_by, records);
        photos.insert(photos.end(), ids.begin(), ids.end());
    }
    const auto before = values_to_see();
    for (std::size_t some = 0; some < 10; ++some) {
        std::vector<PhotoId> asked;
        for (std::size_t i = some; i < photos.size(); i += 1 + random.number(20)) asked.push_back(photos[i]);
        catalog.remove_photos(events[1], asked);
    }
    catalog.compact();
    expect_no_residue(before);
}

}  // namespace
}  // namespace eventlens
