#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <fstream>
#include <iterator>
#include <limits>
#include <thread>

#include "base/uuid.h"
#include "catalog_fixture.h"

// Who may ask for what, and what a server is told of an event.
namespace eventlens {
namespace {

using namespace testing;

class Access : public CatalogTest {
  protected:
    Access() : catalog(Catalog::open(workspace())) {}

    static KeyHash hash_like(int seed) {
        KeyHash hash{};
        hash.fill(static_cast<std::byte>(seed));
        return hash;
    }

    Catalog catalog;
};

TEST_F(Access, OrganisationsHaveOriginsAndANameOfTheirOwn) {
    const OrganisationId runs = catalog.create_organisation("Lake Runs");
    EXPECT_TRUE(catalog.organisation(runs).cors_origins.empty());
    EXPECT_GT(catalog.organisation(runs).created, 1'600'000'000'000);
    EXPECT_GT(catalog.organisation(default_organisation).created, 1'600'000'000'000);

    const std::vector<std::string> origins{"https://photos.example.org", "http://localhost:8080"};
    catalog.update_organisation(runs, "Lake & Harbour", origins);
    EXPECT_EQ(catalog.organisation(runs).name, "Lake & Harbour");
    EXPECT_EQ(catalog.organisation(runs).cors_origins, origins);
    EXPECT_EQ(catalog.organisations().at(1).cors_origins, origins);
    catalog.update_organisation(runs, "Lake & Harbour", std::vector<std::string>{"*"});
    EXPECT_EQ(catalog.organisation(runs).cors_origins, std::vector<std::string>{"*"});

    EXPECT_EQ(code_of([&] { catalog.update_organisation(runs, "default", {}); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { catalog.update_organisation(runs, "", {}); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { catalog.update_organisation(99, "Nobody", {}); }), ErrorCode::not_found);
    EXPECT_EQ(code_of([&] { static_cast<void>(catalog.organisation(99)); }), ErrorCode::not_found);
    for (const std::string wrong : {"", "photos.example.org", "https://", "https://a/b", "https://a b",
                                    "https://a\nhttps://b", "://a", "https://a?b", "https://u@a"}) {
        EXPECT_EQ(code_of([&] { catalog.update_organisation(runs, "Lake", std::vector{wrong}); }),
                  ErrorCode::bad_input)
            << wrong;
    }
    EXPECT_EQ(code_of([&] {
                  catalog.update_organisation(runs, "Lake", std::vector<std::string>(101, "https://a"));
              }),
              ErrorCode::bad_input);
    EXPECT_EQ(catalog.organisation(runs).name, "Lake & Harbour");
}

TEST_F(Access, KeysAreKeptAsDigests) {
    const OrganisationId runs = catalog.create_organisation("Lake Runs");
    const KeyId first = catalog.add_key(default_organisation, hash_like(1), "abcde", "site", "a@example.org");
    const KeyId second = catalog.add_key(runs, hash_like(2), "fghij");
    const std::vector<ApiKey> keys = catalog.keys();
    ASSERT_EQ(keys.size(), 2U);
    EXPECT_EQ(keys[0].id, first);
    EXPECT_EQ(keys[0].organisation, default_organisation);
    EXPECT_EQ(keys[0].hash, hash_like(1));
    EXPECT_EQ(keys[0].shown, "abcde");
    EXPECT_EQ(keys[0].name, "site");
    EXPECT_EQ(keys[0].creator, "a@example.org");
    EXPECT_TRUE(keys[0].active);
    EXPECT_GT(keys[0].created, 1'600'000'000'000);
    ASSERT_EQ(catalog.keys(runs).size(), 1U);
    EXPECT_EQ(catalog.keys(runs)[0].id, second);

    catalog.set_key_active(first, false);
    EXPECT_FALSE(catalog.key(first).active);
    EXPECT_EQ(catalog.key(first).hash, hash_like(1));
    catalog.set_key_active(first, true);
    EXPECT_TRUE(catalog.key(first).active);

    catalog.remove_key(first);
    EXPECT_TRUE(catalog.keys(default_organisation).empty());
    for (const auto& action : {std::function<void()>([&] { catalog.remove_key(first); }),
                               std::function<void()>([&] { catalog.set_key_active(first, true); }),
                               std::function<void()>([&] { static_cast<void>(catalog.key(first)); }),
                               std::function<void()>([&] { static_cast<void>(catalog.keys(99)); }),
                               std::function<void()>([&] { catalog.add_key(99, hash_like(3), "x"); })}) {
        EXPECT_EQ(code_of(action), ErrorCode::not_found);
    }
    // An id that was told to somebody never means another key.
    EXPECT_GT(catalog.add_key(runs, hash_like(1), "abcde"), second);
    EXPECT_EQ(code_of([&] { catalog.add_key(runs, hash_like(1), "abcde"); }), ErrorCode::bad_input);
}

TEST_F(Access, AKeyIsMadeAndNotKept) {
    const NewKey made = catalog.create_key(default_organisation, "site", "Ann");
    EXPECT_EQ(made.key.size(), 40U);
    EXPECT_TRUE(std::ranges::all_of(made.key, [](unsigned char c) { return std::isalnum(c); })) << made.key;
    const ApiKey stored = catalog.key(made.id);
    EXPECT_EQ(stored.shown, made.key.substr(0, 5));
    EXPECT_EQ(stored.name, "site");
    EXPECT_EQ(stored.creator, "Ann");
    EXPECT_EQ(stored.hash, hash_of_key(made.key));
    EXPECT_NE(hash_of_key(made.key), hash_of_key("other"));
    EXPECT_NE(catalog.create_key(default_organisation).key, made.key);
    for (const auto& entry : std::filesystem::directory_iterator(workspace())) {
        std::ifstream stream(entry.path(), std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
        EXPECT_EQ(bytes.find(made.key), std::string::npos) << entry.path();
    }
}

TEST_F(Access, AnOrganisationHasTenKeysAtMost) {
    for (int i = 0; i < int{most_keys}; ++i) catalog.add_key(default_organisation, hash_like(i), "abcde");
    catalog.set_key_active(catalog.keys().front().id, false);
    EXPECT_EQ(code_of([&] { catalog.add_key(default_organisation, hash_like(99), "abcde"); }),
              ErrorCode::bad_input);
    const OrganisationId other = catalog.create_organisation("Lake Runs");
    catalog.add_key(other, hash_like(98), "abcde");
    catalog.remove_key(catalog.keys().front().id);
    catalog.add_key(default_organisation, hash_like(99), "abcde");
    EXPECT_EQ(catalog.keys(default_organisation).size(), most_keys);
}

TEST_F(Access, TheCounterGrowsWithWhatDecidesAccessAndNothingElse) {
    const EventId event = catalog.create_event({.name = "Race"});
    const SourceId source = catalog.add_source(event, "folder");
    const OrganisationId runs = catalog.create_organisation("Lake Runs");
    const KeyId key = catalog.add_key(runs, hash_like(1), "abcde");
    const Catalog another = Catalog::open(workspace());  // as of another process

    std::int64_t last = another.access_counter();
    const auto grew = [&] {
        const std::int64_t now = another.access_counter();
        EXPECT_EQ(now, catalog.access_counter());
        return std::exchange(last, now) < now;
    };
    EXPECT_FALSE(grew());
    catalog.update_organisation(runs, "Lake Runs", std::vector<std::string>{"*"});
    EXPECT_TRUE(grew());
    catalog.set_key_active(key, false);
    EXPECT_TRUE(grew());
    catalog.remove_key(key);
    EXPECT_TRUE(grew());
    catalog.add_key(runs, hash_like(2), "abcde");
    EXPECT_TRUE(grew());
    catalog.create_organisation("Harbour");
    EXPECT_TRUE(grew());
    const EventId other = catalog.create_event({.name = "Other"});
    EXPECT_TRUE(grew());
    EventSettings settings = catalog.event(event).settings;
    settings.features.selfie_search = false;
    catalog.update_event(event, settings);
    EXPECT_TRUE(grew());
    settings.originals = true;
    catalog.update_event(event, settings);
    EXPECT_TRUE(grew());
    put_video(catalog, source, "a.mp4", 1);  // turns video flags on
    EXPECT_TRUE(grew());
    catalog.delete_event(other);
    EXPECT_TRUE(grew());

    catalog.put_batch(source, made_by, photos_like("a", 3));
    put_video(catalog, source, "b.mp4", 1);
    catalog.save_search(event, {.request_id = uuid_text(make_uuid()), .kind = SearchKind::bib, .bib = "1"});
    catalog.set_roster(event, std::vector<RosterEntry>{{"A207", "Ann"}});
    catalog.set_hidden(event, std::vector{catalog.photo_order(event).at(0).photo}, true);
    EXPECT_FALSE(grew());
}

TEST_F(Access, ClipParametersAndOriginalsAreSettings) {
    EventSettings settings{.name = "Race"};
    const ClipOptions usual{.padding_start = 2, .padding_end = 2, .max_clip_duration = 30};
    EXPECT_EQ(settings.clips, usual);
    const EventId event = catalog.create_event(settings);
    EXPECT_EQ(catalog.event(event).settings.clips, usual);
    EXPECT_FALSE(catalog.event(event).settings.originals);

    settings = catalog.event(event).settings;
    settings.clips = {.min_probability = 0.75,
                      .min_segment = 1.5,
                      .max_gap = 4,
                      .padding_start = 0.25,
                      .padding_end = 6,
                      .max_clip_duration = 0};
    settings.originals = true;
    catalog.update_event(event, settings);
    EXPECT_EQ(catalog.event(event).settings, settings);
    settings.name = "Another";
    settings.slug = "";
    const EventId another = catalog.create_event(settings);
    EXPECT_EQ(catalog.event(another).settings.clips, settings.clips);
    EXPECT_TRUE(catalog.event(another).settings.originals);

    const auto refused = [&](auto member, double value) {
        EventSettings wrong = catalog.event(event).settings;
        wrong.clips.*member = value;
        return code_of([&] { catalog.update_event(event, wrong); }) == ErrorCode::bad_input;
    };
    for (const auto member : {&ClipOptions::min_segment, &ClipOptions::max_gap, &ClipOptions::padding_start,
                              &ClipOptions::padding_end, &ClipOptions::max_clip_duration}) {
        EXPECT_TRUE(refused(member, -1));
        EXPECT_TRUE(refused(member, 86401));
        EXPECT_TRUE(refused(member, std::numeric_limits<double>::quiet_NaN()));
    }
    EXPECT_TRUE(refused(&ClipOptions::min_probability, 1.01));
    EXPECT_TRUE(refused(&ClipOptions::min_probability, -0.01));
}

TEST_F(Access, VideoFlagsTurnOnWithTheFirstVideo) {
    const EventId event = catalog.create_event({.name = "Race"});
    const SourceId source = catalog.add_source(event, "folder");
    const auto features = [&](EventId of) { return catalog.event(of).settings.features; };
    const std::int64_t before = catalog.change_counter(event);
    VideoRecord broken = video_like("broken.mp4");
    broken.failure = "no video in it";
    catalog.begin_video(source, made_by, broken);
    EXPECT_FALSE(features(event).video_search);
    put_video(catalog, source, "a.mp4", 1);
    EXPECT_TRUE(features(event).video_search);
    EXPECT_TRUE(features(event).video_selfie_search);
    EXPECT_TRUE(told_since(catalog, event, before).changes.settings_changed);

    // What somebody chose stays.
    EventSettings settings = catalog.event(event).settings;
    settings.features.video_selfie_search = false;
    catalog.update_event(event, settings);
    put_video(catalog, source, "b.mp4", 1);
    EXPECT_TRUE(features(event).video_search);
    EXPECT_FALSE(features(event).video_selfie_search);

    const EventId chosen = catalog.create_event({.name = "Chosen", .features = {.video_search = true}});
    put_video(catalog, catalog.add_source(chosen, "folder"), "a.mp4", 1);
    EXPECT_FALSE(features(chosen).video_selfie_search);

    // On and off again is a choice too; saving other settings is none.
    const EventId off = catalog.create_event({.name = "Off"});
    settings = catalog.event(off).settings;
    settings.features.video_search = true;
    catalog.update_event(off, settings);
    settings.features.video_search = false;
    catalog.update_event(off, settings);
    put_video(catalog, catalog.add_source(off, "folder"), "a.mp4", 1);
    EXPECT_FALSE(features(off).video_search);
    const EventId other = catalog.create_event({.name = "Other"});
    settings = catalog.event(other).settings;
    settings.status = "draft";
    catalog.update_event(other, settings);
    put_video(catalog, catalog.add_source(other, "folder"), "a.mp4", 1);
    EXPECT_TRUE(features(other).video_search);
}

TEST_F(Access, ChangesOfDifferentSettingsAreNotLost) {
    const EventId event = catalog.create_event({.name = "Race"});
    Catalog second = Catalog::open(workspace());  // as another process does
    std::atomic<bool> begun{false};
    std::thread video;
    catalog.change_event(event, [&](EventSettings& settings) {
        video = std::thread([&] {
            begun = true;
            put_video(second, second.add_source(event, "folder"), "a.mp4", 1);
        });
        while (!begun) std::this_thread::yield();
        std::this_thread::sleep_for(std::chrono::milliseconds(50));  // it waits for us, or would be lost
        settings.status = "draft";
    });
    video.join();
    second.change_event(event, [](EventSettings& settings) { settings.clips.max_gap = 7; });
    const EventSettings settings = catalog.event(event).settings;
    EXPECT_TRUE(settings.features.video_search);
    EXPECT_TRUE(settings.features.video_selfie_search);
    EXPECT_EQ(settings.status, "draft");
    EXPECT_EQ(settings.clips.max_gap, 7);

    struct Enough {};
    EXPECT_THROW(catalog.change_event(event,
                                      [](EventSettings& changed) {
                                          changed.status = "active";
                                          throw Enough{};
                                      }),
                 Enough);
    EXPECT_EQ(catalog.event(event).settings.status, "draft");
    EXPECT_EQ(
        code_of([&] { catalog.change_event(event, [](EventSettings& changed) { changed.name.clear(); }); }),
        ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { catalog.change_event(99, [](EventSettings&) {}); }), ErrorCode::not_found);
}

}  // namespace
}  // namespace eventlens
