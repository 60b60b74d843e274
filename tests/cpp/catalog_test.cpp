#include "eventlens/catalog.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <thread>

#include "base/uuid.h"
#include "catalog_fixture.h"

namespace eventlens {
namespace {

using namespace testing;

class Stories : public CatalogTest {
  protected:
    Catalog catalog = Catalog::open(workspace());
    EventId event = catalog.create_event({.name = "Lakeside Half 2026", .time_zone = "Europe/Berlin"});
    SourceId source = catalog.add_source(event, "file:///photos");
};

TEST_F(Stories, EventsKeepTheirSettings) {
    const EventSettings settings{.name = "Läufe \"O'Brien\"; DROP TABLE events;-- %_\n",
                                 .slug = "laeufe",
                                 .date = "2026-05-09",
                                 .time_zone = "America/New_York",
                                 .bib_pattern = R"([A-Z]?\d{2,5})",
                                 .status = "draft",
                                 .embedder = "dlib-resnet",
                                 .cover_image = "/cover.jpg",
                                 .confidence_percentage = 80,
                                 .features = {.bib_search = false, .video_search = true}};
    const EventId other = catalog.create_event(settings);
    EventSettings stored = catalog.event(other).settings;
    EXPECT_EQ(stored.date, "2026-05-09T00:00:00");
    stored.date = settings.date;
    EXPECT_EQ(stored, settings);
    EXPECT_EQ(catalog.find_event(settings.name), other);
    EXPECT_EQ(catalog.find_event("Läufe%"), std::nullopt);

    EventSettings changed = settings;
    changed.name = "Renamed";
    changed.date = "2027-01-02T03:04:05";
    changed.confidence_percentage.reset();
    catalog.update_event(other, changed);
    EXPECT_EQ(catalog.event(other).settings, changed);
    EXPECT_EQ(catalog.find_event(settings.name), std::nullopt);
}

TEST_F(Stories, EventsOfAnOrganisationComeLatestFirst) {
    const auto club = catalog.create_organisation("Club");
    const auto undated = catalog.create_event({.name = "Undated"}, club);
    const auto late = catalog.create_event({.name = "Late", .date = "2026-09-20T08:00:00"}, club);
    const auto early = catalog.create_event({.name = "Early", .date = "2026-05-09T07:30:00"}, club);
    std::vector<EventId> ids;
    for (const EventInfo& info : catalog.events(club)) ids.push_back(info.id);
    EXPECT_EQ(ids, (std::vector{late, early, undated}));
    EXPECT_EQ(catalog.events().size(), 1U);
    EXPECT_EQ(catalog.find_event("Late"), std::nullopt);
    EXPECT_EQ(catalog.find_event("Late", club), late);
    EXPECT_EQ(catalog.organisations().size(), 2U);
}

TEST_F(Stories, SlugsAreMadeAndUnique) {
    EXPECT_EQ(catalog.event(event).settings.slug, "lakeside-half-2026");
    EXPECT_EQ(catalog.event(catalog.create_event({.name = "Lakeside Half: 2026!"})).settings.slug,
              "lakeside-half-2026-2");
    EXPECT_EQ(catalog.event(catalog.create_event({.name = "走"})).settings.slug, "event");
}

TEST_F(Stories, SettingsThatMakeNoSenseAreRefused) {
    const auto refused = [&](const EventSettings& settings) {
        EXPECT_EQ(code_of([&] { catalog.create_event(settings); }), ErrorCode::bad_input);
    };
    refused({.name = ""});
    refused({.name = std::string(1001, 'x')});
    refused({.name = "Lakeside Half 2026"});
    refused({.name = "x", .slug = "lakeside-half-2026"});
    refused({.name = "x", .time_zone = "Europe/Nowhere"});
    for (const char* date :
         {"9 May 2026", "2026-02-30", "2026-05-09T24:00:00", "2026-05-09T07:30:00Z", "2026-99-99"}) {
        refused({.name = "x", .date = date});
    }
    refused({.name = "x", .confidence_percentage = 101});
    refused({.name = "x", .confidence_percentage = std::nan("")});
    EXPECT_EQ(catalog.events().size(), 1U);
    EXPECT_EQ(code_of([&] { catalog.create_event({.name = "x"}, 77); }), ErrorCode::not_found);
    EXPECT_EQ(code_of([&] { catalog.create_organisation("default"); }), ErrorCode::bad_input);
}

TEST_F(Stories, WhatDoesNotExistIsNotFound) {
    const auto missing = [](const auto& action) { EXPECT_EQ(code_of(action), ErrorCode::not_found); };
    const std::vector<PhotoId> none;
    missing([&] { catalog.event(77); });
    missing([&] { catalog.update_event(77, {.name = "x"}); });
    missing([&] { catalog.delete_event(77); });
    missing([&] { catalog.set_roster(77, {}); });
    missing([&] { catalog.roster(77); });
    missing([&] { catalog.set_clock_offset(77, "x", 1); });
    missing([&] { catalog.add_source(77, "x"); });
    missing([&] { catalog.put_batch(77, made_by, {}); });
    missing([&] { known_in(catalog, 77); });
    missing([&] { catalog.remove_photos(77, std::vector<PhotoId>{1}); });
    missing([&] { catalog.set_hidden(77, none, true); });
    missing([&] { catalog.counts(77); });
    missing([&] { catalog.change_counter(77); });
    missing([&] { told_since(catalog, 77, 0); });
    missing([&] { catalog.photo(77); });
    missing([&] { catalog.content(77, "x"); });
    missing([&] { catalog.save_search(77, {.request_id = uuid_text(make_uuid())}); });
}

TEST_F(Stories, APhotoComesBackAsItWasPut) {
    const PhotoRecord record = photo_like("finish/IMG_0001.jpg", 3);
    const auto ids = catalog.put_batch(source, made_by, {{record}});
    ASSERT_EQ(ids.size(), 1U);

    const PhotoInfo info = catalog.photo(ids[0]);
    EXPECT_EQ(info.event, event);
    EXPECT_EQ(info.source, source);
    EXPECT_EQ(info.key, record.key);
    EXPECT_EQ(info.fingerprint, record.fingerprint);
    EXPECT_EQ(info.bytes, record.bytes);
    EXPECT_EQ(info.size, record.size);
    EXPECT_EQ(info.captured, record.captured);
    EXPECT_EQ(info.captured_utc, record.captured->local_milliseconds - 2 * 3'600'000);  // Berlin in May
    EXPECT_EQ(info.camera, record.camera);
    EXPECT_EQ(info.failure, "");
    EXPECT_FALSE(info.hidden);

    const PhotoContent content = catalog.content(ids[0], made_by.embedder);
    EXPECT_TRUE(content.embedded);
    ASSERT_EQ(content.faces.size(), record.faces.size());
    for (std::size_t i = 0; i < content.faces.size(); ++i) expect_same(content.faces[i], record.faces[i]);
    ASSERT_EQ(content.bib_reads.size(), 1U);
    expect_same(content.bib_reads[0], record.bib_reads[0]);

    std::string upper = info.uuid;
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](char c) { return static_cast<char>(std::toupper(c)); });
    EXPECT_EQ(catalog.find_photo(event, upper).value().id, ids[0]);
    EXPECT_FALSE(catalog.find_photo(event + 1, info.uuid));
    EXPECT_FALSE(catalog.find_photo(event, "not a uuid"));
    EXPECT_EQ(catalog.find_photo_by_key(source, record.key).value().uuid, info.uuid);
    EXPECT_FALSE(catalog.find_photo_by_key(source, "finish/%"));
}

TEST_F(Stories, EmbeddingsAreKeptInSixteenBits) {
    PhotoRecord record = photo_like("a", 1);
    for (std::size_t i = 0; i < 192; ++i)
        record.faces[0].embedding[i] = std::sin(static_cast<float>(i)) / 9.8F;
    const auto ids = catalog.put_batch(source, made_by, {{record}});
    const Embedding stored = catalog.content(ids[0], made_by.embedder).faces.at(0).embedding;
    ASSERT_EQ(stored.size(), 192U);
    for (std::size_t i = 0; i < stored.size(); ++i)
        EXPECT_NEAR(stored[i], record.faces[0].embedding[i], 5e-5);
}

TEST_F(Stories, KeysMayBeAnyBytesAndAreToldInTheirOrder) {
    const std::vector<std::string> keys{std::string("\x01", 1),
                                        std::string("a\0b", 3),
                                        "a\nb",
                                        "a b.jpg",
                                        "a%b",
                                        "a'b\"; DROP TABLE photos;",
                                        "a_b",
                                        "ab",
                                        "ä.jpg",
                                        "\xFF\xFE"};
    std::vector<PhotoRecord> records;
    for (auto key = keys.rbegin(); key != keys.rend(); ++key) records.push_back(photo_like(*key));
    catalog.put_batch(source, made_by, records);
    std::vector<std::string> told;
    for (const KnownObject& object : known_in(catalog, source)) told.push_back(object.key);
    EXPECT_EQ(told, keys);
    for (const std::string& key : keys) EXPECT_TRUE(catalog.find_photo_by_key(source, key)) << key;
}

TEST_F(Stories, KnownObjectsAreToldWholeOverManyPages) {
    catalog.put_batch(source, made_by, photos_like("p", 2500));
    const auto known = known_in(catalog, source);
    EXPECT_EQ(known.size(), 2500U);
    EXPECT_TRUE(std::ranges::is_sorted(known, {}, &KnownObject::key));
    EXPECT_TRUE(std::ranges::all_of(known, &KnownObject::current));
}

TEST_F(Stories, TheVisitorMayChangeTheCatalog) {
    catalog.put_batch(source, made_by, photos_like("p", 3));
    catalog.known_objects(source, made_by, [&](const KnownObject& object) {
        EXPECT_EQ(catalog.remove_photos(event, std::vector{object.photo}), 1U);
    });
    EXPECT_EQ(catalog.counts(event).total, 0);
}

TEST_F(Stories, IndexingAgainKeepsTheIdentityOfAPhoto) {
    const auto before = catalog.put_batch(source, made_by, {{photo_like("a", 3)}});
    const std::string uuid = catalog.photo(before[0]).uuid;
    catalog.set_hidden(event, before, true);

    PhotoRecord again = photo_like("a", 1);
    again.fingerprint = "other bytes";
    again.bib_reads.clear();
    EXPECT_EQ(catalog.put_batch(source, made_by, {{again}}), before);
    EXPECT_EQ(catalog.photo(before[0]).uuid, uuid);
    EXPECT_TRUE(catalog.photo(before[0]).hidden);
    const PhotoContent content = catalog.content(before[0], made_by.embedder);
    EXPECT_EQ(content.faces.size(), 1U);
    EXPECT_TRUE(content.bib_reads.empty());
    EXPECT_EQ(catalog.counts(event).total, 1);

    again.failure = "truncated file";
    catalog.put_batch(source, made_by, {{again}});
    EXPECT_EQ(catalog.photo(before[0]).uuid, uuid);
}

TEST_F(Stories, OfAKeyGivenTwiceTheLastRecordCounts) {
    std::vector<PhotoRecord> twice{photo_like("a", 3), photo_like("a", 1)};
    const auto ids = catalog.put_batch(source, made_by, twice);
    EXPECT_EQ(ids[0], ids[1]);
    EXPECT_EQ(catalog.content(ids[0], made_by.embedder).faces.size(), 1U);
}

TEST_F(Stories, ARefusedBatchStoresNothing) {
    std::vector<PhotoRecord> records = photos_like("p", 3);
    const auto refused = [&](const std::vector<PhotoRecord>& photos) {
        EXPECT_EQ(code_of([&] { catalog.put_batch(source, made_by, photos); }), ErrorCode::bad_input);
        EXPECT_EQ(catalog.counts(event).total, 0);
    };
    auto broken = records;
    broken[2].key.clear();
    refused(broken);
    broken = records;
    broken[2].faces[0].embedding[5] = std::numeric_limits<float>::infinity();
    refused(broken);
    broken = records;
    broken[2].faces[0].box.x = std::nanf("");
    refused(broken);
    catalog.put_batch(source, made_by, records);  // the catalog goes on
    EXPECT_EQ(catalog.counts(event).total, 3);
}

TEST_F(Stories, AFailedPhotoIsRememberedUntilAskedFor) {
    PhotoRecord failed = photo_like("broken\n.jpg");
    failed.failure = "cannot decode: truncated";
    catalog.put_batch(source, made_by, {{failed, photo_like("fine.jpg")}});

    const EventCounts counts = catalog.counts(event);
    EXPECT_EQ(counts.total, 2);
    EXPECT_EQ(counts.processed, 1);
    EXPECT_EQ(counts.failed, 1);
    const auto failures = catalog.failures(event);
    ASSERT_EQ(failures.size(), 1U);
    EXPECT_EQ(failures[0].key, "broken\n.jpg");
    EXPECT_EQ(failures[0].reason, "cannot decode: truncated");
    EXPECT_TRUE(catalog.content(failures[0].photo, made_by.embedder).faces.empty());

    auto known = known_in(catalog, source);
    EXPECT_TRUE(known[0].failed);
    EXPECT_FALSE(known[0].current);
    EXPECT_EQ(known[0].fingerprint, failed.fingerprint);
    EXPECT_EQ(catalog.retry_failed(event), 1U);
    known = known_in(catalog, source);
    EXPECT_EQ(known[0].fingerprint, "");
    EXPECT_EQ(known[1].fingerprint, "etag of fine.jpg");

    failed.failure.clear();
    catalog.put_batch(source, made_by, {{failed}});
    EXPECT_TRUE(catalog.failures(event).empty());
    EXPECT_EQ(catalog.counts(event).processed, 2);
}

TEST_F(Stories, ANewModelEmbedsBesideTheOldOne) {
    const PhotoRecord record = photo_like("a", 2);
    const auto ids = catalog.put_batch(source, made_by, {{record}});
    const Recognition next{.embedder = "dlib-resnet", .reader = made_by.reader};
    EXPECT_FALSE(known_in(catalog, source, next)[0].current);
    EXPECT_FALSE(catalog.content(ids[0], next.embedder).embedded);
    EXPECT_TRUE(catalog.content(ids[0], next.embedder).faces.at(0).embedding.empty());

    PhotoRecord again = record;
    for (Face& face : again.faces) {
        face.embedding = embedding_like(7, 128);
        face.box.x += 1;  // arithmetic differs a little
    }
    catalog.put_batch(source, next, {{again}});
    EXPECT_TRUE(known_in(catalog, source, next)[0].current);
    EXPECT_TRUE(known_in(catalog, source, made_by)[0].current);
    EXPECT_EQ(catalog.content(ids[0], made_by.embedder).faces.at(1).embedding, record.faces[1].embedding);
    EXPECT_EQ(catalog.content(ids[0], next.embedder).faces.at(1).embedding, embedding_like(7, 128));
    EXPECT_EQ(catalog.embedders(event).size(), 2U);

    catalog.remove_embeddings(event, made_by.embedder);
    EXPECT_FALSE(catalog.content(ids[0], made_by.embedder).embedded);
    EXPECT_EQ(catalog.content(ids[0], next.embedder).faces.at(1).embedding, embedding_like(7, 128));
    ASSERT_EQ(catalog.embedders(event).size(), 1U);
    EXPECT_EQ(catalog.embedders(event)[0].embedder, next.embedder);
}

TEST_F(Stories, EmbeddingsOfOtherFacesDoNotStay) {
    const Recognition next{.embedder = "dlib-resnet", .reader = made_by.reader};
    const auto ids = catalog.put_batch(source, made_by, {{photo_like("a", 2), photo_like("b", 2)}});
    PhotoRecord moved = photo_like("a", 2);
    moved.faces[1].box.x += 300;
    PhotoRecord changed = photo_like("b", 2);
    changed.fingerprint = "other bytes";
    catalog.put_batch(source, next, {{moved, changed}});
    for (const PhotoId photo : ids) {
        EXPECT_FALSE(catalog.content(photo, made_by.embedder).embedded);
        EXPECT_TRUE(catalog.content(photo, made_by.embedder).faces.at(0).embedding.empty());
        EXPECT_FALSE(catalog.content(photo, next.embedder).faces.at(0).embedding.empty());
    }
}

TEST_F(Stories, AnotherReaderMakesPhotosOutOfDate) {
    catalog.put_batch(source, made_by, {{photo_like("a")}});
    EXPECT_FALSE(known_in(catalog, source, {.embedder = made_by.embedder, .reader = "tesseract"})[0].current);
    EXPECT_TRUE(known_in(catalog, source)[0].current);
}

TEST_F(Stories, SourcesAreKnownByTheirUri) {
    EXPECT_EQ(catalog.add_source(event, "file:///photos"), source);
    const SourceId other = catalog.add_source(event, "s3://lakeside/");
    EXPECT_NE(other, source);
    ASSERT_EQ(catalog.sources(event).size(), 2U);
    EXPECT_EQ(catalog.sources(event)[1].uri, "s3://lakeside/");
    const auto ids = catalog.put_batch(source, made_by, {{photo_like("a")}});
    EXPECT_NE(catalog.put_batch(other, made_by, {{photo_like("a")}}), ids);
}

TEST_F(Stories, CaptureTimesFollowClockAndTimeZone) {
    PhotoRecord plain = photo_like("plain");
    PhotoRecord with_offset = photo_like("with offset");
    with_offset.captured->utc_offset_minutes = -330;
    PhotoRecord other_camera = photo_like("other camera");
    other_camera.camera = "phone";
    PhotoRecord untimed = photo_like("untimed");
    untimed.captured.reset();
    const auto ids = catalog.put_batch(source, made_by, {{plain, with_offset, other_camera, untimed}});
    const std::int64_t local = plain.captured->local_milliseconds;
    constexpr std::int64_t hour = 3'600'000;
    const auto utc = [&](std::size_t i) { return catalog.photo(ids[i]).captured_utc; };

    EXPECT_EQ(utc(0), local - 2 * hour);
    EXPECT_EQ(utc(1), local + 330 * 60'000);
    EXPECT_EQ(utc(3), std::nullopt);

    catalog.set_clock_offset(event, plain.camera, -3600);
    EXPECT_EQ(utc(0), local - 3 * hour);
    EXPECT_EQ(utc(1), local + 330 * 60'000 - hour);
    EXPECT_EQ(utc(2), local - 2 * hour);

    EventSettings settings = catalog.event(event).settings;
    settings.time_zone = "America/New_York";
    catalog.update_event(event, settings);
    EXPECT_EQ(utc(0), local + 4 * hour - hour);
    EXPECT_EQ(utc(1), local + 330 * 60'000 - hour);
    EXPECT_EQ(utc(2), local + 4 * hour);

    const auto later = catalog.put_batch(source, made_by, {{photo_like("later")}});
    EXPECT_EQ(catalog.photo(later[0]).captured_utc, local + 3 * hour);
    EXPECT_EQ(catalog.photo(later[0]).captured, plain.captured);
    EXPECT_EQ(catalog.camera_clocks(event),
              (std::vector<CameraClock>{{plain.camera, -3600, 4}, {"phone", 0, 1}}));
    EXPECT_EQ(
        code_of([&] { catalog.set_clock_offset(event, "x", std::numeric_limits<std::int64_t>::max()); }),
        ErrorCode::bad_input);
}

TEST_F(Stories, TheRosterIsReplacedWhole) {
    const std::vector<RosterEntry> first{{"12", "Ann"}, {"A7", ""}};
    catalog.set_roster(event, first);
    EXPECT_EQ(catalog.roster(event), first);
    const std::vector<RosterEntry> second{{"99", "Bob \"the % fast\""}};
    catalog.set_roster(event, second);
    EXPECT_EQ(catalog.roster(event), second);
    catalog.set_roster(event, {});
    EXPECT_TRUE(catalog.roster(event).empty());
}

TEST_F(Stories, ChangesReachAnotherCatalogOfTheSameFile) {
    const Catalog other = Catalog::open(workspace());
    const auto ids = catalog.put_batch(source, made_by, photos_like("p", 600));
    Told told = told_since(other, event, 0);
    ASSERT_EQ(told.put.size(), 600U);
    EXPECT_TRUE(told.removed.empty());
    expect_same(told.put[7].faces.at(1), photo_like("p7").faces[1]);
    EXPECT_EQ(told.changes.counter, other.change_counter(event));

    std::int64_t counter = told.changes.counter;
    EXPECT_TRUE(told_since(other, event, counter).put.empty());

    catalog.put_batch(source, made_by, {{photo_like("new"), photo_like("p3", 0)}});
    EXPECT_GT(other.change_counter(event), counter);
    catalog.set_hidden(event, std::vector{ids[5]}, true);
    catalog.remove_photos(event, std::vector{ids[6], PhotoId{123456}});
    told = told_since(other, event, counter);
    std::set<PhotoId> put;
    for (const PhotoContent& content : told.put) put.insert(content.photo);
    EXPECT_EQ(put, (std::set{ids[3], ids[5], other.find_photo_by_key(source, "new").value().id}));
    EXPECT_EQ(told.removed, std::vector{ids[6]});
    EXPECT_FALSE(told.changes.settings_changed);
    for (const PhotoContent& content : told.put) EXPECT_EQ(content.hidden, content.photo == ids[5]);

    counter = told.changes.counter;
    catalog.set_roster(event, std::vector<RosterEntry>{{"12", ""}});
    told = told_since(other, event, counter);
    EXPECT_TRUE(told.changes.settings_changed);
    EXPECT_TRUE(told.put.empty());
    EXPECT_FALSE(told_since(other, event, told.changes.counter).changes.settings_changed);
}

// Whatever happens between and during calls, who follows the changes ends with what is there.
TEST_F(Stories, FollowingTheChangesArrivesAtTheTruth) {
    const Catalog other = Catalog::open(workspace());
    std::set<PhotoId> mirror;
    std::int64_t counter = 0;
    std::uint32_t random = 1;
    const auto next = [&] { return random = random * 1664525 + 1013904223; };
    const auto change = [&] {
        if (next() % 3 == 0 && !mirror.empty()) {
            catalog.remove_photos(
                event,
                std::vector{*std::next(mirror.begin(), next() % static_cast<std::uint32_t>(mirror.size()))});
        } else {
            catalog.put_batch(source, made_by, photos_like("k" + std::to_string(next() % 40) + "-", 3));
        }
    };
    const auto follow = [&](bool disturbed) {
        const auto changes = other.changes_since(
            event, counter, made_by.embedder,
            [&](PhotoContent&& content) {
                mirror.insert(content.photo);
                if (disturbed && next() % 8 == 0) change();
            },
            [&](PhotoId photo) { mirror.erase(photo); });
        counter = changes.counter;
    };
    for (int round = 0; round < 60; ++round) {
        change();
        follow(round % 2 == 0);
    }
    follow(false);
    std::set<PhotoId> truth;
    for (const KnownObject& object : known_in(catalog, source)) truth.insert(object.photo);
    EXPECT_GT(truth.size(), 20U);
    EXPECT_EQ(mirror, truth);
}

TEST_F(Stories, IdsOfRemovedPhotosNeverComeBack) {
    const auto first = catalog.put_batch(source, made_by, {{photo_like("a")}});
    const std::string uuid = catalog.photo(first[0]).uuid;
    catalog.remove_photos(event, first);
    const auto second = catalog.put_batch(source, made_by, {{photo_like("a")}});
    EXPECT_GT(second[0], first[0]);
    EXPECT_NE(catalog.photo(second[0]).uuid, uuid);
}

TEST_F(Stories, PhotosOfAnotherEventAreLeftAlone) {
    const EventId other = catalog.create_event({.name = "Other"});
    const auto ids = catalog.put_batch(source, made_by, {{photo_like("a")}});
    EXPECT_EQ(catalog.remove_photos(other, ids), 0U);
    EXPECT_EQ(catalog.set_hidden(other, ids, true), 0U);
    EXPECT_FALSE(catalog.photo(ids[0]).hidden);
}

TEST_F(Stories, HidingTellsHowManyChanged) {
    const auto ids = catalog.put_batch(source, made_by, photos_like("p", 3));
    EXPECT_EQ(catalog.set_hidden(event, ids, true), 3U);
    EXPECT_EQ(catalog.set_hidden(event, std::vector{ids[0]}, true), 0U);
    EXPECT_EQ(catalog.counts(event).hidden, 3);
    EXPECT_EQ(catalog.set_hidden(event, std::vector{ids[0]}, false), 1U);
    EXPECT_EQ(catalog.counts(event).hidden, 2);
}

TEST_F(Stories, PhotosComeInTheOrderAskedForWithoutThoseGone) {
    const auto ids = catalog.put_batch(source, made_by, photos_like("p", 3));
    catalog.remove_photos(event, std::vector{ids[1]});
    const auto infos = catalog.photos(std::vector{ids[2], ids[1], ids[0]});
    ASSERT_EQ(infos.size(), 2U);
    EXPECT_EQ(infos[0].id, ids[2]);
    EXPECT_EQ(infos[1].id, ids[0]);
}

SavedSearch search_for(const std::vector<PhotoId>& photos) {
    SavedSearch search{.request_id = "8D1B6C52-0F0A-4C38-9F6E-2A7E51B0C9AA", .confidence_percentage = 80};
    for (const PhotoId photo : photos) {
        Match match;
        match.photo = photo;
        match.probability = 0.75;
        match.box = {1, 2, 3, 4};
        match.face = 2;
        match.similarity = 0.625F;
        search.matches.push_back(match);
    }
    return search;
}

TEST_F(Stories, ASearchIsFrozenAndCountedOnce) {
    const auto ids = catalog.put_batch(source, made_by, photos_like("p", 4));
    SavedSearch search = search_for({ids[2], ids[0], ids[1]});
    search.matches[1].kind = MatchKind::bib_partial;
    search.matches[1].bib = "A2%'";
    EXPECT_TRUE(catalog.save_search(event, search));
    EXPECT_FALSE(catalog.save_search(event, search_for({ids[3]})));
    EXPECT_EQ(catalog.event(event).billable_searches, 1);
    EXPECT_EQ(catalog.organisations()[0].billable_searches, 1);

    const SavedSearch loaded = catalog.load_search(event, "8d1b6c52-0f0a-4c38-9f6e-2a7e51b0c9aa").value();
    EXPECT_EQ(loaded.request_id, "8d1b6c52-0f0a-4c38-9f6e-2a7e51b0c9aa");
    EXPECT_EQ(loaded.confidence_percentage, 80);
    EXPECT_GT(loaded.created, 1'700'000'000'000);
    ASSERT_EQ(loaded.matches.size(), 3U);
    EXPECT_EQ(loaded.matches[0].photo, ids[2]);
    EXPECT_EQ(loaded.matches[0].kind, MatchKind::face);
    EXPECT_EQ(loaded.matches[0].probability, 0.75);
    EXPECT_EQ(loaded.matches[0].similarity, 0.625F);
    EXPECT_EQ(loaded.matches[0].face, 2);
    EXPECT_EQ(loaded.matches[0].box, (Rect{1, 2, 3, 4}));
    EXPECT_EQ(loaded.matches[1].kind, MatchKind::bib_partial);
    EXPECT_EQ(loaded.matches[1].bib, "A2%'");
}

TEST_F(Stories, ASearchBelongsToItsEvent) {
    const EventId other = catalog.create_event({.name = "Other"});
    EXPECT_TRUE(catalog.save_search(event, search_for({})));
    EXPECT_FALSE(catalog.load_search(other, search_for({}).request_id));
    EXPECT_TRUE(catalog.save_search(other, search_for({})));
    EXPECT_FALSE(catalog.load_search(event, "no uuid"));
    SavedSearch nameless = search_for({});
    nameless.request_id = "no uuid";
    EXPECT_EQ(code_of([&] { catalog.save_search(event, nameless); }), ErrorCode::bad_input);
}

TEST_F(Stories, RemovedAndHiddenPhotosLeaveFrozenAnswers) {
    const auto ids = catalog.put_batch(source, made_by, photos_like("p", 4));
    catalog.remove_photos(event, std::vector{ids[3]});  // between matching and saving
    catalog.save_search(event, search_for(ids));
    catalog.remove_photos(event, std::vector{ids[0]});
    catalog.set_hidden(event, std::vector{ids[1]}, true);
    const auto photos = [&] {
        const SavedSearch search = catalog.load_search(event, search_for({}).request_id).value();
        std::vector<PhotoId> found;
        for (const Match& match : search.matches) found.push_back(match.photo);
        return found;
    };
    EXPECT_EQ(photos(), std::vector{ids[2]});
    catalog.set_hidden(event, std::vector{ids[1]}, false);
    EXPECT_EQ(photos(), (std::vector{ids[1], ids[2]}));
}

TEST_F(Stories, AnExpiredSearchIsGoneAndItsIdFree) {
    SavedSearch search = search_for({});
    search.expires = 1;
    EXPECT_TRUE(catalog.save_search(event, search));
    EXPECT_FALSE(catalog.load_search(event, search.request_id));
    EXPECT_TRUE(catalog.save_search(event, search));
    EXPECT_EQ(catalog.remove_expired_searches(), 1U);
    search.expires.reset();
    EXPECT_TRUE(catalog.save_search(event, search));
    EXPECT_EQ(catalog.remove_expired_searches(), 0U);
    EXPECT_TRUE(catalog.load_search(event, search.request_id));
}

TEST_F(Stories, ManyThreadsReadWhileOthersWrite) {
    constexpr int batches = 20;
    std::vector<std::thread> threads;
    for (int writer = 0; writer < 2; ++writer) {
        threads.emplace_back([&, writer] {
            for (int i = 0; i < batches; ++i) {
                catalog.put_batch(source, made_by,
                                  photos_like(std::to_string(writer) + "-" + std::to_string(i) + "-", 5));
            }
        });
    }
    for (int reader = 0; reader < 3; ++reader) {
        threads.emplace_back([&] {
            std::int64_t counter = 0;
            std::size_t photos = 0;
            while (photos < 2 * batches * 5) {
                const Told told = told_since(catalog, event, counter);
                EXPECT_EQ(told.put.size() % 5, 0U);  // batches are seen whole
                for (const PhotoContent& content : told.put) EXPECT_EQ(content.faces.size(), 2U);
                photos += told.put.size();
                counter = told.changes.counter;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(catalog.counts(event).total, 2 * batches * 5);
}

}  // namespace
}  // namespace eventlens
