#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <thread>

#include "base/uuid.h"
#include "catalog/blobs.h"
#include "catalog/schema.h"
#include "catalog/sqlite.h"
#include "catalog_fixture.h"

// What happens to the file when processes die, disks fill up, files are damaged, and people ask to be
// forgotten.
namespace eventlens {
namespace {

using namespace testing;
using namespace std::chrono_literals;

class Durability : public CatalogTest {
  protected:
    sqlite::Database raw() const { return sqlite::Database(file(), 15s); }

    std::string bytes_of_file(const std::filesystem::path& path) const {
        std::ifstream stream(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }

    // True when any file of the workspace holds `needle`.
    bool anywhere(std::string_view needle) const {
        for (const auto& entry : std::filesystem::directory_iterator(workspace())) {
            if (bytes_of_file(entry.path()).find(needle) != std::string::npos) return true;
        }
        return false;
    }

    void expect_sound() const {
        auto database = raw();
        auto check = database.query("PRAGMA integrity_check");
        ASSERT_TRUE(check.step());
        EXPECT_EQ(check.text(0), "ok");
        EXPECT_FALSE(database.query("PRAGMA foreign_key_check").step());
    }
};

constexpr int photos_a_batch = 20;

// Batch b holds photos "b/0" to "b/19".
std::vector<PhotoRecord> batch_number(int number) {
    return photos_like(std::to_string(number) + "/", photos_a_batch);
}

TEST_F(Durability, AKilledIndexerLeavesWholeBatches) {
    SourceId source = 0;
    EventId event = 0;
    {
        Catalog catalog = Catalog::open(workspace());
        event = catalog.create_event({.name = "Race"});
        source = catalog.add_source(event, "folder");
    }
    int first = 0;
    int committed = 0;
    for (int round = 0; round < 12; ++round) {
        std::array<int, 2> told{};
        ASSERT_EQ(pipe(told.data()), 0);
        const pid_t child = in_child([&] {
            Catalog catalog = Catalog::open(workspace());
            for (int number = first;; ++number) {
                catalog.put_batch(source, made_by, batch_number(number));
                if (write(told[1], &number, sizeof number) != sizeof number) return 1;
            }
        });
        close(told[1]);
        int number = first - 1;
        for (int seen = 0; seen <= round % 4; ++seen)
            ASSERT_EQ(read(told[0], &number, sizeof number), int{sizeof number});
        std::this_thread::sleep_for(
            std::chrono::microseconds(round * 731));  // at any moment of the next batch
        kill(child, SIGKILL);
        EXPECT_EQ(exit_code_of(child), -1);
        while (read(told[0], &number, sizeof number) == int{sizeof number}) {
        }
        close(told[0]);
        committed = number + 1;
        first = committed + 1;  // the batch after the last one told may have been committed as well
    }

    const Catalog catalog = Catalog::open(workspace());
    std::map<int, int> photos;
    for (const KnownObject& object : known_in(catalog, source)) {
        ++photos[std::stoi(object.key)];
        const PhotoContent content = catalog.content(object.photo, made_by.embedder);
        ASSERT_EQ(content.faces.size(), 2U);
        EXPECT_FALSE(content.faces[1].embedding.empty());
        EXPECT_EQ(content.bib_reads.size(), 1U);
    }
    for (const auto& [number, count] : photos) EXPECT_EQ(count, photos_a_batch) << "batch " << number;
    EXPECT_GE(photos.size(), 12U);
    EXPECT_TRUE(photos.contains(committed - 1));
    expect_sound();
}

// Every piece of footage has three appearances, one of which goes on and continues that of the piece before.
VideoFootage piece_number(int number) {
    VideoFootage footage{.until = number * 10.0, .damaged_frames = number};
    footage.appearances.assign(3, appearance_like(footage.until - 5));
    footage.appearances[1].goes_on = true;
    if (number > 1) footage.appearances[1].continues = 0;
    return footage;
}

TEST_F(Durability, AKilledReaderOfAVideoGoesOnWhereItStood) {
    SourceId source = 0;
    EventId event = 0;
    {
        Catalog catalog = Catalog::open(workspace());
        event = catalog.create_event({.name = "Race"});
        source = catalog.add_source(event, "folder");
    }
    int told_last = 0;
    for (int round = 0; round < 10; ++round) {
        std::array<int, 2> told{};
        ASSERT_EQ(pipe(told.data()), 0);
        const pid_t child = in_child([&] {
            Catalog catalog = Catalog::open(workspace());
            VideoReading reading = catalog.begin_video(source, made_by, video_like("long.mp4"));
            for (int number = static_cast<int>(reading.indexed_until / 10) + 1;; ++number) {
                if (!catalog.put_footage(reading, piece_number(number))) return 1;
                if (write(told[1], &number, sizeof number) != sizeof number) return 2;
            }
        });
        close(told[1]);
        for (int seen = 0; seen <= round % 3; ++seen)
            ASSERT_EQ(read(told[0], &told_last, sizeof told_last), int{sizeof told_last});
        std::this_thread::sleep_for(std::chrono::microseconds(round * 731));
        kill(child, SIGKILL);
        EXPECT_EQ(exit_code_of(child), -1);
        int number = 0;
        while (read(told[0], &number, sizeof number) == int{sizeof number}) told_last = number;
        close(told[0]);
    }

    Catalog catalog = Catalog::open(workspace());
    const VideoReading reading = catalog.begin_video(source, made_by, video_like("long.mp4"));
    const int pieces = static_cast<int>(reading.indexed_until / 10);
    EXPECT_GE(pieces, told_last);  // the one after the last that was told may have been committed as well
    EXPECT_LE(pieces, told_last + 1);
    EXPECT_EQ(reading.damaged_frames, pieces);
    EXPECT_EQ(reading.going_on.size(), 1U);
    const auto stored = catalog.appearances(reading.video, made_by.embedder);
    ASSERT_EQ(stored.size(), static_cast<std::size_t>(3 * pieces));
    std::map<AppearanceId, int> chains;
    for (const AppearanceContent& content : stored) {
        ++chains[content.chain];
        EXPECT_FALSE(content.seen.face.value().embedding.empty());
        EXPECT_EQ(content.seen.bib_reads.size(), 2U);
    }
    EXPECT_EQ(chains[stored[1].appearance], pieces);  // from the first round to the last
    EXPECT_EQ(chains.size(), static_cast<std::size_t>(2 * pieces + 1));
    expect_sound();
}

TEST_F(Durability, OfTwoProcessesOneReadsAVideo) {
    SourceId source = 0;
    {
        Catalog catalog = Catalog::open(workspace());
        source = catalog.add_source(catalog.create_event({.name = "Race"}), "folder");
    }
    constexpr int pieces = 40;
    const auto index = [&] {
        return in_child([&] {
            Catalog catalog = Catalog::open(workspace());
            VideoReading reading = catalog.begin_video(source, made_by, video_like("long.mp4"));
            for (int number = static_cast<int>(reading.indexed_until / 10) + 1; number <= pieces; ++number) {
                VideoFootage footage = piece_number(number);
                footage.finished = number == pieces;
                if (!catalog.put_footage(reading, footage)) return 1;
            }
            return 0;
        });
    };
    const pid_t one = index();
    const pid_t two = index();
    const int code_one = exit_code_of(one);
    const int code_two = exit_code_of(two);
    EXPECT_TRUE(code_one == 0 || code_two == 0);  // both, when the second found everything done
    EXPECT_LE(code_one + code_two, 1);
    const Catalog catalog = Catalog::open(workspace());
    const VideoEntry video = catalog.find_video_by_key(source, "long.mp4").value();
    EXPECT_TRUE(video.finished);
    EXPECT_EQ(catalog.appearances(video.id).size(), std::size_t{3 * pieces});
    expect_sound();
}

TEST_F(Durability, TwoProcessesIndexOneEvent) {
    SourceId source = 0;
    EventId event = 0;
    {
        Catalog catalog = Catalog::open(workspace());
        event = catalog.create_event({.name = "Race"});
        source = catalog.add_source(event, "folder");
    }
    constexpr int batches = 25;
    const auto index = [&](bool backwards) {
        return in_child([&, backwards] {
            Catalog catalog = Catalog::open(workspace());
            for (int i = 0; i < batches; ++i) {
                catalog.put_batch(source, made_by, batch_number(backwards ? batches - 1 - i : i));
            }
            return 0;
        });
    };
    const pid_t one = index(false);
    const pid_t two = index(true);
    EXPECT_EQ(exit_code_of(one), 0);
    EXPECT_EQ(exit_code_of(two), 0);
    const Catalog catalog = Catalog::open(workspace());
    EXPECT_EQ(catalog.counts(event).total, batches * photos_a_batch);
    for (const PhotoContent& content : told_since(catalog, event, 0).put) EXPECT_EQ(content.faces.size(), 2U);
    expect_sound();
}

TEST_F(Durability, ManyProcessesCreateOneWorkspace) {
    std::vector<pid_t> children;
    for (int i = 0; i < 8; ++i) {
        children.push_back(in_child([&, i] {
            Catalog::open(workspace()).create_event({.name = "Race " + std::to_string(i)});
            return 0;
        }));
    }
    for (const pid_t child : children) EXPECT_EQ(exit_code_of(child), 0);
    EXPECT_EQ(Catalog::open(workspace()).events().size(), 8U);
    expect_sound();
}

TEST_F(Durability, AWriterThatNeverEndsIsReportedToOthers) {
    Catalog catalog = Catalog::open(workspace(), {.patience = 50ms});
    auto database = raw();
    const sqlite::Transaction endless(database, sqlite::Transaction::Kind::write);
    EXPECT_EQ(code_of([&] { catalog.create_event({.name = "x"}); }), ErrorCode::overloaded);
    EXPECT_TRUE(catalog.events().empty());  // readers do not wait
    EXPECT_EQ(Catalog::open(workspace(), {.patience = 50ms}).events().size(), 0U);
}

TEST_F(Durability, SettingsOfTheFileAreOn) {
    const Catalog catalog = Catalog::open(workspace());
    auto database = raw();
    auto mode = database.query("PRAGMA journal_mode");
    ASSERT_TRUE(mode.step());
    EXPECT_EQ(mode.text(0), "wal");
    EXPECT_EQ(database.integer("PRAGMA application_id"), catalog_application_id);
    EXPECT_EQ(database.integer("PRAGMA user_version"), static_cast<std::int64_t>(schema_steps().size()));
}

TEST_F(Durability, DeletingAnEventLeavesNoRowBehind) {
    Catalog catalog = Catalog::open(workspace());
    const EventId event = catalog.create_event({.name = "Race"});
    const SourceId source = catalog.add_source(event, "folder");
    const auto ids = catalog.put_batch(source, made_by, photos_like("p", 1500));
    catalog.set_roster(event, std::vector<RosterEntry>{{"12", "Ann"}});
    catalog.set_clock_offset(event, "camera", 5);
    catalog.save_search(
        event, {.request_id = uuid_text(make_uuid()), .matches = {{.photo = ids[0], .box = {}, .bib = {}}}});
    catalog.remove_photos(event, std::vector{ids[1]});
    auto database = raw();
    const std::vector<std::string> tables{"events",    "roster",   "clocks",         "sources",
                                          "photos",    "removals", "faces",          "embeddings",
                                          "bib_reads", "searches", "search_matches", "photo_embedders"};
    for (const std::string& table : tables)
        EXPECT_GT(database.integer("SELECT count(*) FROM " + table), 0) << table;
    catalog.delete_event(event);
    for (const std::string& table : tables)
        EXPECT_EQ(database.integer("SELECT count(*) FROM " + table), 0) << table;
    EXPECT_EQ(code_of([&] { told_since(catalog, event, 1); }), ErrorCode::not_found);
}

TEST_F(Durability, WhatIsRemovedCannotBeReadFromTheFiles) {
    Catalog catalog = Catalog::open(workspace());
    const EventId event = catalog.create_event({.name = "Race"});
    const SourceId source = catalog.add_source(event, "folder");
    catalog.put_batch(source, made_by, photos_like("others-", 300));
    PhotoRecord record = photo_like("key-of-one-who-asked", 1);
    for (std::size_t i = 0; i < 192; ++i)
        record.faces[0].embedding[i] = static_cast<float>(i) / 2048 + 0.0078125F;
    record.bib_reads = {read_like("BIBOFONEWHOASKED")};
    const auto ids = catalog.put_batch(source, made_by, {{record}});
    catalog.put_batch(source, made_by, photos_like("later-", 300));
    const auto blob = embedding_blob(record.faces[0].embedding);
    const std::string embedding(reinterpret_cast<const char*>(blob.data()), blob.size());
    ASSERT_TRUE(anywhere(embedding));  // else this test could not fail
    ASSERT_TRUE(anywhere("BIBOFONEWHOASKED"));
    ASSERT_TRUE(anywhere("key-of-one-who-asked"));

    catalog.remove_photos(event, ids);
    EXPECT_FALSE(anywhere(embedding));
    EXPECT_FALSE(anywhere(embedding.substr(100, 16)));
    EXPECT_FALSE(anywhere("BIBOFONEWHOASKED"));
    EXPECT_FALSE(anywhere("key-of-one-who-asked"));
    EXPECT_TRUE(anywhere("others-7"));
    catalog.delete_event(event);
    EXPECT_FALSE(anywhere("others-7"));
}

TEST_F(Durability, WhatIsRemovedWithAVideoCannotBeReadFromTheFiles) {
    Catalog catalog = Catalog::open(workspace());
    const EventId event = catalog.create_event({.name = "Race"});
    const SourceId source = catalog.add_source(event, "folder");
    Appearance seen = appearance_like(1);
    for (std::size_t i = 0; i < 192; ++i) seen.face->embedding[i] = static_cast<float>(i) / 2048 + 0.0078125F;
    seen.bib_reads[1].read.text = "BIBOFONEWHOASKED";
    seen.path = {{1.234567, {11.125F, 22.25F, 33.5F, 44.75F}}};
    const auto embedding_bytes = embedding_blob(seen.face->embedding);
    const auto path_bytes = path_blob(seen.path);
    const std::string embedding(reinterpret_cast<const char*>(embedding_bytes.data()),
                                embedding_bytes.size());
    const std::vector<std::string> traces{
        embedding, embedding.substr(100, 16), "BIBOFONEWHOASKED",
        std::string(reinterpret_cast<const char*>(path_bytes.data()), path_bytes.size())};
    const auto put = [&](const std::string& key) {
        put_video(catalog, source, "earlier " + key, 100);
        VideoReading reading = catalog.begin_video(source, made_by, video_like(key));
        EXPECT_TRUE(catalog.put_footage(reading, {.until = 2, .finished = true, .appearances = {seen}}));
        put_video(catalog, source, "later " + key, 100);
        for (const std::string& trace : traces) EXPECT_TRUE(anywhere(trace));  // else this could not fail
        return reading.video;
    };
    const auto expect_gone = [&] {
        for (const std::string& trace : traces) EXPECT_FALSE(anywhere(trace));
    };
    const VideoId video = put("key-of-one-who-asked");
    catalog.save_search(event, {.request_id = uuid_text(make_uuid()),
                                .appearances = {{{.appearance = catalog.appearances(video)[0].appearance,
                                                  .bib = "BIBOFONEWHOASKED"}}}});
    EXPECT_TRUE(anywhere("key-of-one-who-asked"));
    catalog.remove_videos(event, std::vector{video});
    expect_gone();
    EXPECT_TRUE(anywhere("later key"));
    for (const VideoEntry& other : catalog.videos(event)) catalog.remove_videos(event, std::vector{other.id});
    EXPECT_FALSE(anywhere("key-of-one-who-asked"));

    put("again");
    catalog.remove_embeddings(event, made_by.embedder);
    EXPECT_FALSE(anywhere(embedding));
    catalog.delete_event(event);
    expect_gone();
}

TEST_F(Durability, EmbeddingsOfAModelThatWasReplacedAreGoneToo) {
    Catalog catalog = Catalog::open(workspace());
    const EventId event = catalog.create_event({.name = "Race"});
    const SourceId source = catalog.add_source(event, "folder");
    PhotoRecord record = photo_like("a", 1);
    for (std::size_t i = 0; i < 192; ++i)
        record.faces[0].embedding[i] = static_cast<float>(i) / 2048 + 0.0078125F;
    catalog.put_batch(source, made_by, {{record}});
    const auto blob = embedding_blob(record.faces[0].embedding);
    const std::string_view embedding(reinterpret_cast<const char*>(blob.data()), blob.size());
    ASSERT_TRUE(anywhere(embedding));
    catalog.remove_embeddings(event, made_by.embedder);
    EXPECT_FALSE(anywhere(embedding));
}

TEST_F(Durability, AFullCatalogSaysSoAndKeepsWhatItHas) {
    constexpr std::int64_t limit = 1 << 20;
    SourceId source = 0;
    EventId event = 0;
    int batches = 0;
    {
        Catalog catalog = Catalog::open(workspace(), {.max_bytes = limit});
        event = catalog.create_event({.name = "Race"});
        source = catalog.add_source(event, "folder");
        try {
            for (; batches < 1000; ++batches) catalog.put_batch(source, made_by, batch_number(batches));
            FAIL() << "never full";
        } catch (const Error& error) {
            EXPECT_EQ(error.code(), ErrorCode::overloaded);
            EXPECT_NE(std::string(error.what()).find("free some disk space"), std::string::npos)
                << error.what();
        }
        EXPECT_GT(batches, 5);
        EXPECT_EQ(catalog.counts(event).total, batches * photos_a_batch);
        EXPECT_EQ(told_since(catalog, event, 0).put.size(),
                  static_cast<std::size_t>(batches * photos_a_batch));
    }
    EXPECT_LE(std::filesystem::file_size(file()), static_cast<std::uintmax_t>(limit));
    Catalog catalog = Catalog::open(workspace());
    catalog.put_batch(source, made_by, batch_number(batches));
    EXPECT_EQ(catalog.counts(event).total, (batches + 1) * photos_a_batch);
    expect_sound();
}

// On a real file system that is too small, where the system lets us mount one.
TEST_F(Durability, AFullDiskSaysSoAndKeepsWhatItHas) {
    constexpr int not_allowed = 77;
    std::filesystem::create_directories(workspace());
    const int code = exit_code_of(in_child([&] {
        if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return not_allowed;
        mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
        if (mount("tmpfs", workspace().c_str(), "tmpfs", 0, "size=2m") != 0) return not_allowed;
        Catalog catalog = Catalog::open(workspace());
        const EventId event = catalog.create_event({.name = "Race"});
        const SourceId source = catalog.add_source(event, "folder");
        int batches = 0;
        try {
            for (; batches < 1000; ++batches) catalog.put_batch(source, made_by, batch_number(batches));
            return 1;
        } catch (const Error& error) {
            if (error.code() != ErrorCode::overloaded) throw;
        }
        if (batches == 0 || catalog.counts(event).total != batches * photos_a_batch) return 2;
        return told_since(catalog, event, 0).put.size() == static_cast<std::size_t>(batches * photos_a_batch)
                   ? 0
                   : 3;
    }));
    if (code == not_allowed) GTEST_SKIP() << "mounting a small file system is not allowed here";
    EXPECT_EQ(code, 0);
}

// As a user without rights: the administrator may write everywhere.
TEST_F(Durability, AReadOnlyFolderIsRefused) {
    Catalog::open(workspace());
    chmod(folder.c_str(), 0755);
    chmod(workspace().c_str(), 0555);
    chmod(file().c_str(), 0444);
    const auto opened_as_nobody = [&](const std::filesystem::path& path) {
        return exit_code_of(in_child([&] {
            if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) return 77;
            return code_of([&] { Catalog::open(path); }) == ErrorCode::bad_input ? 0 : 1;
        }));
    };
    EXPECT_EQ(opened_as_nobody(workspace()), 0);
    EXPECT_EQ(opened_as_nobody(workspace() / "new"), 0);
    std::filesystem::remove(file());
    EXPECT_EQ(opened_as_nobody(workspace()), 0);
    chmod(workspace().c_str(), 0755);
}

TEST_F(Durability, AFileInPlaceOfTheFolderIsRefused) {
    std::ofstream(workspace()) << "not a folder";
    EXPECT_EQ(code_of([&] { Catalog::open(workspace()); }), ErrorCode::bad_input);
}

TEST_F(Durability, AnEmptyFileIsANewCatalog) {
    std::filesystem::create_directories(workspace());
    std::ofstream(file()).close();
    EXPECT_EQ(Catalog::open(workspace()).organisations().size(), 1U);
}

TEST_F(Durability, FilesOfOthersAreRefusedAndLeftAlone) {
    std::filesystem::create_directories(workspace());
    std::ofstream(file()) << "this is a text, long enough to be no database at all: "
                          << std::string(5000, 'x');
    const std::string text = bytes_of_file(file());
    EXPECT_EQ(code_of([&] { Catalog::open(workspace()); }), ErrorCode::bad_input);
    EXPECT_EQ(bytes_of_file(file()), text);

    std::filesystem::remove(file());
    raw().execute("CREATE TABLE photos(id INTEGER PRIMARY KEY, name TEXT)");
    const std::string foreign = bytes_of_file(file());
    EXPECT_EQ(code_of([&] { Catalog::open(workspace()); }), ErrorCode::bad_input);
    EXPECT_EQ(bytes_of_file(file()), foreign);
}

TEST_F(Durability, AWorkspaceOfANewerVersionIsRefusedAndLeftAlone) {
    Catalog::open(workspace()).create_event({.name = "Race"});
    raw().execute("PRAGMA user_version = 99");
    const std::string newer = bytes_of_file(file());
    try {
        Catalog::open(workspace());
        FAIL() << "opened";
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::unsupported);
        EXPECT_NE(std::string(error.what()).find("newer version"), std::string::npos) << error.what();
    }
    EXPECT_EQ(bytes_of_file(file()), newer);
}

// The steps that there are, and others behind them.
std::vector<std::string_view> steps_and(const std::vector<std::string_view>& more) {
    std::vector<std::string_view> steps(schema_steps().begin(), schema_steps().end());
    steps.insert(steps.end(), more.begin(), more.end());
    return steps;
}

TEST_F(Durability, MigrationsAreTakenInOrderAndOnce) {
    const EventId event = Catalog::open(workspace()).create_event({.name = "Race"});
    const int known = static_cast<int>(schema_steps().size());
    const auto steps = steps_and({
        "ALTER TABLE events ADD COLUMN note TEXT NOT NULL DEFAULT 'none'",
        "CREATE TABLE notes(id INTEGER PRIMARY KEY) STRICT; UPDATE events SET note = note || ' yet'",
    });
    auto database = raw();
    EXPECT_EQ(check_schema(database, steps), known);
    migrate(database, steps);
    migrate(database, steps);
    EXPECT_EQ(check_schema(database, steps), known + 2);
    auto row = database.query("SELECT name, note FROM events WHERE id = ?", event);
    ASSERT_TRUE(row.step());
    EXPECT_EQ(row.text(0), "Race");
    EXPECT_EQ(row.text(1), "none yet");
}

TEST_F(Durability, AWorkspaceFromBeforeVideosKeepsWhatItHas) {
    std::filesystem::create_directories(workspace());
    const std::string request = uuid_text(make_uuid());
    {
        auto database = raw();
        migrate(database, schema_steps().first(1));
        database.execute(
            "INSERT INTO events(id, organisation, name, slug, date, time_zone, bib_pattern, status, embedder,"
            " cover_image, enabled, bib_search, selfie_search, name_search, video_search, "
            "video_selfie_search,"
            " timeline_search, created, change_counter)"
            " VALUES (3, 1, 'Race', 'race', '', 'UTC', '\\d+', 'active', '', '', 1, 1, 1, 0, 0, 0, 1, 5, 9);"
            "INSERT INTO sources(id, event, uri) VALUES (4, 3, 'folder');"
            "INSERT INTO models(id, name) VALUES (1, 'mobilefacenet'), (2, 'paddle');"
            "INSERT INTO photos(id, uuid, event, source, key, fingerprint, bytes, width, height, camera, "
            "reader,"
            " indexed, changed)"
            " VALUES (7, randomblob(16), 3, 4, CAST('a.jpg' AS BLOB), x'00', 1, 10, 10, '', 2, 6, 9);"
            "INSERT INTO photo_embedders VALUES (7, 1);"
            "INSERT INTO bib_reads VALUES (7, 0, 'A207', x'', zeroblob(32), x'');");
        const Uuid uuid = *parse_uuid(request);
        database.run(
            "INSERT INTO searches(id, event, request_id, kind, bib, created) VALUES (1, 3, ?, 'bib', 'A207', "
            "8)",
            std::as_bytes(std::span(uuid)));
        database.execute(
            "INSERT INTO search_matches VALUES (1, 0, 7, 'bib', 0.75, 1, 2, 3, 4, -1, 0, 'A207')");
    }
    Catalog catalog = Catalog::open(workspace());
    EXPECT_EQ(raw().integer("PRAGMA user_version"), static_cast<std::int64_t>(schema_steps().size()));
    EXPECT_EQ(catalog.find_event("Race"), 3);
    EXPECT_EQ(known_in(catalog, 4).at(0).key, "a.jpg");
    EXPECT_TRUE(known_in(catalog, 4).at(0).current);
    const Told told = told_since(catalog, 3, 0);
    EXPECT_EQ(told.put.at(0).bib_reads.at(0).text, "A207");
    EXPECT_EQ(told.changes.counter, 9);
    const SavedSearch search = catalog.load_search(3, request).value();
    EXPECT_EQ(search.matches.at(0).photo, 7);
    EXPECT_EQ(search.appearances, std::nullopt);  // videos were never searched

    const VideoId video = put_video(catalog, 4, "a.mp4", 1);
    const AppearanceMatch match{.appearance = catalog.appearances(video).at(0).appearance,
                                .kind = MatchKind::bib};
    EXPECT_TRUE(catalog.set_search_appearances(3, request, std::vector{match}));
    EXPECT_EQ(catalog.load_search(3, request)->appearances, std::vector{match});
    EXPECT_EQ(catalog.counts(3).videos.total, 1);
    expect_sound();
    catalog.delete_event(3);
}

TEST_F(Durability, AWorkspaceFromBeforeServersKeepsWhatItHas) {
    std::filesystem::create_directories(workspace());
    {
        auto database = raw();
        migrate(database, schema_steps().first(3));
        const auto add_event = [&](int id, const std::string& flags) {
            database.execute(
                "INSERT INTO events(id, organisation, name, slug, date, time_zone, bib_pattern, status, "
                "embedder,"
                " cover_image, enabled, bib_search, selfie_search, name_search, video_search, "
                "video_selfie_search, timeline_search, created, change_counter)"
                " VALUES (" +
                std::to_string(id) + ", 1, 'e" + std::to_string(id) + "', 's" + std::to_string(id) +
                "', '', 'UTC', '\\d+', 'active', '', '', 1, 1, 1, 0, " + flags + ", 1, " +
                std::to_string(id * 1000) + ", 9); INSERT INTO sources(id, event, uri) VALUES (" +
                std::to_string(id) + ", " + std::to_string(id) + ", 'folder')");
        };
        add_event(3, "0, 0");  // with videos
        add_event(4, "1, 0");  // chosen, with videos
        add_event(5, "0, 0");  // without
        database.execute(
            "INSERT INTO models(id, name) VALUES (1, 'mobilefacenet'), (2, 'paddle');"
            "INSERT INTO videos(uuid, event, source, key, fingerprint, bytes, container, codec, width, "
            "height,"
            " rotation, frame_rate, duration, audio_tracks, embedder, reader, turn, finished, indexed)"
            " SELECT randomblob(16), id, id, CAST('a.mp4' AS BLOB), x'00', 1, 'mov', 'h264', 4, 4, 0, 25, 9, "
            "0, 1,"
            " 2, 9, 1, 6 FROM events WHERE id < 5;"
            "INSERT INTO photos(id, uuid, event, source, key, fingerprint, bytes, width, height, "
            "captured_utc,"
            " camera, reader, indexed, changed) VALUES"
            " (7, randomblob(16), 3, 3, CAST('a.jpg' AS BLOB), x'00', 1, 10, 10, NULL, '', 2, 6, 9),"
            " (8, randomblob(16), 3, 3, CAST('b.jpg' AS BLOB), x'00', 1, 10, 10, 5, '', 2, 6, 9);");
    }
    Catalog catalog = Catalog::open(workspace());
    EXPECT_EQ(raw().integer("PRAGMA user_version"), static_cast<std::int64_t>(schema_steps().size()));
    const auto features = [&](EventId event) { return catalog.event(event).settings.features; };
    EXPECT_TRUE(features(3).video_search);
    EXPECT_TRUE(features(3).video_selfie_search);
    EXPECT_TRUE(features(4).video_search);
    EXPECT_FALSE(features(4).video_selfie_search);
    EXPECT_FALSE(features(5).video_search);
    EXPECT_EQ(catalog.event(3).settings.clips, EventSettings{}.clips);
    EXPECT_FALSE(catalog.event(3).settings.originals);
    const Organisation organisation = catalog.organisation(default_organisation);
    EXPECT_EQ(organisation.created, 3000);  // no later than its first event
    EXPECT_TRUE(organisation.cors_origins.empty());
    EXPECT_TRUE(catalog.keys().empty());
    const std::vector<PhotoPlace> order = catalog.photo_order(3);
    ASSERT_EQ(order.size(), 2U);
    EXPECT_EQ(order[0].photo, 8);
    EXPECT_EQ(order[1].photo, 7);

    // What was chosen before stays chosen, and what was not turns on by itself.
    put_video(catalog, 4, "b.mp4", 1);
    put_video(catalog, 5, "b.mp4", 1);
    EXPECT_FALSE(features(4).video_selfie_search);
    EXPECT_TRUE(features(5).video_selfie_search);
    const std::int64_t access = catalog.access_counter();
    catalog.add_key(default_organisation, KeyHash{}, "abcde");
    EXPECT_GT(catalog.access_counter(), access);
    expect_sound();
    catalog.delete_event(3);
}

TEST_F(Durability, AMigrationThatFailsChangesNothing) {
    Catalog::open(workspace()).create_event({.name = "Race"});
    auto database = raw();
    const auto steps =
        steps_and({"ALTER TABLE events ADD COLUMN note TEXT; INSERT INTO there_is_no_such_table VALUES (1)"});
    EXPECT_THROW(migrate(database, steps), Error);
    EXPECT_EQ(check_schema(database, schema_steps()), static_cast<int>(schema_steps().size()));
    EXPECT_EQ(Catalog::open(workspace()).events().size(), 1U);
    EXPECT_EQ(database.integer("SELECT count(*) FROM pragma_table_info('events') WHERE name = 'note'"), 0);
}

TEST_F(Durability, ASecondMigratorWaitsForTheFirst) {
    std::filesystem::create_directories(workspace());
    std::vector<pid_t> children;
    for (int i = 0; i < 4; ++i) {
        children.push_back(in_child([&] {
            auto database = raw();
            const std::vector<std::string_view> steps{"CREATE TABLE a(x)", "INSERT INTO a VALUES (1)",
                                                      "INSERT INTO a VALUES (2)"};
            migrate(database, steps);
            return 0;
        }));
    }
    for (const pid_t child : children) EXPECT_EQ(exit_code_of(child), 0);
    EXPECT_EQ(raw().integer("SELECT count(*) FROM a"), 2);
}

// Reads and writes all there is; any Error is fine, nothing else is.
void use(const std::filesystem::path& workspace) {
    try {
        Catalog catalog = Catalog::open(workspace);
        for (const EventInfo& info : catalog.events()) {
            for (const PhotoContent& content : told_since(catalog, info.id, 0).put)
                catalog.photo(content.photo);
            for (const AppearanceContent& content : appearances_told_since(catalog, info.id, 0).put)
                catalog.appearances(content.video);
            for (const SourceInfo& source : catalog.sources(info.id)) {
                known_in(catalog, source.id);
                known_videos_in(catalog, source.id);
                catalog.begin_video(source.id, made_by, video_like("v0"));
                catalog.put_batch(source.id, made_by, photos_like("p", 3));
            }
            catalog.delete_event(info.id);
        }
    } catch (const Error& error) {
        EXPECT_NE(error.what(), std::string());
    }
}

TEST_F(Durability, ADamagedFileIsAnErrorAtWorst) {
    {
        Catalog catalog = Catalog::open(workspace());
        const EventId event = catalog.create_event({.name = "Race"});
        const SourceId source = catalog.add_source(event, "folder");
        catalog.put_batch(source, made_by, photos_like("p", 40));
        put_video(catalog, source, "v0", 40);
    }
    const std::string whole = bytes_of_file(file());
    const auto use_bytes = [&](const std::string& bytes) {
        std::filesystem::remove_all(workspace());
        std::filesystem::create_directories(workspace());
        std::ofstream(file(), std::ios::binary) << bytes;
        use(workspace());
    };
    std::uint32_t random = 1;
    const auto next = [&] { return random = random * 1664525 + 1013904223; };
    for (int i = 0; i < 60; ++i) {
        std::string damaged = whole;
        for (int k = 0; k < 1 + i; ++k)
            damaged[(next() >> 8) % damaged.size()] = static_cast<char>(next() >> 24);
        use_bytes(damaged);
        use_bytes(whole.substr(0, (next() >> 8) % whole.size()));
    }
}

TEST_F(Durability, StoredListsThatAreDamagedAreErrors) {
    const std::array<std::byte, 3> odd{};
    const std::array not_a_number{std::byte{0}, std::byte{0x7E}};
    std::array<Point, 5> points{};
    EXPECT_EQ(code_of([&] { embedding_of(odd); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { embedding_of(not_a_number); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { floats_of(odd); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { points_of(std::span<const std::byte>(), points); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { embedding_blob(std::array{1e9F}); }), ErrorCode::bad_input);
}

}  // namespace
}  // namespace eventlens
