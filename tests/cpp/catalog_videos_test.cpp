#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <set>
#include <thread>

#include "base/uuid.h"
#include "catalog/blobs.h"
#include "catalog/schema.h"
#include "catalog/sqlite.h"
#include "catalog_fixture.h"

namespace eventlens {
namespace {

using namespace testing;
using namespace std::chrono_literals;

class Videos : public CatalogTest {
  protected:
    Catalog catalog = Catalog::open(workspace());
    EventId event = catalog.create_event({.name = "Lakeside Half 2026", .time_zone = "Europe/Berlin"});
    SourceId source = catalog.add_source(event, "file:///videos");

    sqlite::Database raw() const { return sqlite::Database(file(), 15s); }
};

void expect_same(const Appearance& a, const Appearance& b) {
    EXPECT_EQ(a.span, b.span);
    EXPECT_EQ(a.sightings, b.sightings);
    EXPECT_EQ(a.path, b.path);
    ASSERT_EQ(a.face.has_value(), b.face.has_value());
    if (a.face) testing::expect_same(*a.face, *b.face);
    EXPECT_EQ(a.face_time, b.face_time);
    EXPECT_EQ(a.faces_embedded, b.faces_embedded);
    EXPECT_EQ(a.goes_on, b.goes_on);
    EXPECT_EQ(a.continues, b.continues);
    ASSERT_EQ(a.bib_reads.size(), b.bib_reads.size());
    for (std::size_t i = 0; i < a.bib_reads.size(); ++i) {
        EXPECT_EQ(a.bib_reads[i].time, b.bib_reads[i].time);
        testing::expect_same(a.bib_reads[i].read, b.bib_reads[i].read);
    }
}

template <typename Content>
std::vector<AppearanceId> ids_of(const std::vector<Content>& contents) {
    std::vector<AppearanceId> ids;
    for (const Content& content : contents) ids.push_back(content.appearance);
    return ids;
}

std::vector<double> starts_of(const std::vector<AppearanceContent>& contents) {
    std::vector<double> starts;
    for (const AppearanceContent& content : contents) starts.push_back(content.seen.span.start);
    return starts;
}

TEST_F(Videos, AVideoComesBackAsItWent) {
    const VideoRecord record = video_like("finish \xFF\n.mp4");
    VideoReading reading = catalog.begin_video(source, made_by, record);
    EXPECT_EQ(reading.indexed_until, 0);
    EXPECT_FALSE(reading.finished);
    EXPECT_TRUE(reading.going_on.empty());

    VideoEntry entry = catalog.video(reading.video);
    EXPECT_EQ(entry.event, event);
    EXPECT_EQ(entry.source, source);
    EXPECT_EQ(entry.key, record.key);
    EXPECT_EQ(entry.fingerprint, record.fingerprint);
    EXPECT_EQ(entry.bytes, record.bytes);
    EXPECT_EQ(entry.info.container, "mov");
    EXPECT_EQ(entry.info.codec, "h264");
    EXPECT_EQ(entry.info.size, (Size{1920, 1080}));
    EXPECT_EQ(entry.info.rotation, 90);
    EXPECT_EQ(entry.info.frame_rate, record.info.frame_rate);
    EXPECT_EQ(entry.info.duration, record.info.duration);
    EXPECT_EQ(entry.info.audio_tracks, 2);
    EXPECT_EQ(entry.info.recorded_utc, record.info.recorded_utc);
    EXPECT_EQ(entry.failure, "");
    EXPECT_FALSE(entry.hidden);
    EXPECT_FALSE(entry.finished);
    EXPECT_GT(entry.indexed, 1'700'000'000'000);

    EXPECT_TRUE(catalog.put_footage(reading, {.until = 61.5, .finished = true, .damaged_frames = 4}));
    EXPECT_TRUE(reading.finished);
    entry = catalog.video(reading.video);
    EXPECT_EQ(entry.indexed_until, 61.5);
    EXPECT_TRUE(entry.finished);
    EXPECT_EQ(entry.damaged_frames, 4);

    EXPECT_EQ(catalog.find_video(event, entry.uuid)->id, reading.video);
    std::string upper = entry.uuid;
    std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return std::toupper(c); });
    EXPECT_EQ(catalog.find_video(event, upper)->id, reading.video);
    EXPECT_FALSE(catalog.find_video(catalog.create_event({.name = "Other"}), entry.uuid));
    EXPECT_FALSE(catalog.find_video(event, "no uuid"));
    EXPECT_EQ(catalog.find_video_by_key(source, record.key)->uuid, entry.uuid);
    EXPECT_FALSE(catalog.find_video_by_key(source, "finish"));
    const VideoId second = put_video(catalog, source, "a.mp4", 0);
    const auto all = catalog.videos(event);
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].id, reading.video);
    EXPECT_EQ(all[1].id, second);
}

TEST_F(Videos, AppearancesComeBackAsTheyWent) {
    VideoReading reading = catalog.begin_video(source, made_by, video_like("a.mp4"));
    Appearance unseen = appearance_like(7);  // a bib alone
    unseen.face.reset();
    Appearance poor = appearance_like(3599.000001, 5);  // a face that cannot be told from others, no bib
    poor.face->embedding.clear();
    poor.bib_reads.clear();
    poor.path.clear();
    const VideoFootage footage{
        .until = 3600, .finished = true, .appearances = {unseen, poor, appearance_like(1)}};
    catalog.put_footage(reading, footage);

    const auto stored = catalog.appearances(reading.video, made_by.embedder);
    ASSERT_EQ(stored.size(), 3U);
    expect_same(stored[0].seen, footage.appearances[2]);
    expect_same(stored[1].seen, unseen);
    expect_same(stored[2].seen, poor);
    for (const AppearanceContent& content : stored) {
        EXPECT_EQ(content.video, reading.video);
        EXPECT_EQ(content.chain, content.appearance);
        EXPECT_FALSE(content.hidden);
        expect_same(catalog.appearance(content.appearance, made_by.embedder).seen, content.seen);
    }
    for (const std::string embedder : {"", "dlib-resnet"}) {
        EXPECT_TRUE(catalog.appearances(reading.video, embedder)[0].seen.face->embedding.empty());
    }
    const auto some =
        catalog.appearances(std::vector{stored[2].appearance, AppearanceId{99}, stored[0].appearance});
    EXPECT_EQ(ids_of(some), (std::vector{stored[2].appearance, stored[0].appearance}));
}

TEST_F(Videos, WhatDoesNotExistIsNotFound) {
    const auto missing = [&](const auto& action) { EXPECT_EQ(code_of(action), ErrorCode::not_found); };
    missing([&] { catalog.begin_video(77, made_by, video_like("a")); });
    missing([&] { known_videos_in(catalog, 77); });
    missing([&] { catalog.video(77); });
    missing([&] { catalog.videos(77); });
    missing([&] { catalog.appearances(VideoId{77}); });
    missing([&] { catalog.appearance(77); });
    missing([&] { catalog.remove_videos(77, std::vector<VideoId>{1}); });
    missing([&] { catalog.set_videos_hidden(77, {}, true); });
    missing([&] { appearances_told_since(catalog, 77, 0); });
    missing([&] { catalog.set_search_appearances(event, uuid_text(make_uuid()), {}); });
    missing([&] { catalog.set_search_appearances(event, "no uuid", {}); });
    EXPECT_EQ(catalog.remove_videos(event, std::vector<VideoId>{77}), 0U);
    EXPECT_EQ(code_of([&] { catalog.begin_video(source, made_by, video_like("")); }), ErrorCode::bad_input);
}

TEST_F(Videos, ReadingGoesOnWhereItStood) {
    VideoReading reading = catalog.begin_video(source, made_by, video_like("long.mp4"));
    VideoFootage footage{.until = 60, .damaged_frames = 3};
    footage.appearances = {appearance_like(1, 1), appearance_like(58, 2), appearance_like(59, 3)};
    footage.appearances[1].goes_on = footage.appearances[2].goes_on = true;
    ASSERT_TRUE(catalog.put_footage(reading, footage));
    EXPECT_EQ(reading.indexed_until, 60);
    ASSERT_EQ(reading.going_on.size(), 2U);

    // Another process, later: the same appearances go on, in the same order.
    const VideoReading again =
        Catalog::open(workspace()).begin_video(source, made_by, video_like("long.mp4"));
    EXPECT_EQ(again.video, reading.video);
    EXPECT_NE(again.turn, reading.turn);
    EXPECT_EQ(again.indexed_until, 60);
    EXPECT_EQ(again.damaged_frames, 3);
    EXPECT_FALSE(again.finished);
    EXPECT_EQ(again.going_on_ids, reading.going_on_ids);
    ASSERT_EQ(again.going_on.size(), 2U);
    for (std::size_t i = 0; i < 2; ++i) expect_same(again.going_on[i], reading.going_on[i]);
    expect_same(again.going_on[0], footage.appearances[1]);
}

TEST_F(Videos, PiecesOfAnAppearanceAreOneChain) {
    VideoReading reading = catalog.begin_video(source, made_by, video_like("long.mp4"));
    const auto put = [&](double until, std::vector<Appearance> appearances) {
        return catalog.put_footage(reading, {.until = until, .appearances = std::move(appearances)});
    };
    Appearance leaves = appearance_like(57, 1);
    Appearance stays = appearance_like(58, 2);
    leaves.goes_on = stays.goes_on = true;
    ASSERT_TRUE(put(60, {leaves, stays}));
    stays.span = {60, 90};
    stays.continues = 1;
    ASSERT_TRUE(put(90, {stays, appearance_like(70, 3)}));
    EXPECT_EQ(reading.going_on_ids.size(), 1U);  // who left does not go on for ever
    EXPECT_EQ(reading.going_on.at(0).continues, -1);
    stays.span = {90, 95};
    stays.continues = 0;
    stays.goes_on = false;
    ASSERT_TRUE(put(120, {stays}));
    EXPECT_TRUE(reading.going_on.empty());

    const auto stored = catalog.appearances(reading.video);
    ASSERT_EQ(starts_of(stored), (std::vector<double>{57, 58, 60, 70, 90}));
    EXPECT_EQ(stored[0].chain, stored[0].appearance);
    EXPECT_EQ(stored[1].chain, stored[1].appearance);
    EXPECT_EQ(stored[2].chain, stored[1].appearance);
    EXPECT_EQ(stored[3].chain, stored[3].appearance);
    EXPECT_EQ(stored[4].chain, stored[1].appearance);
    for (const AppearanceContent& content : stored) EXPECT_FALSE(content.seen.goes_on);
    EXPECT_TRUE(catalog.begin_video(source, made_by, video_like("long.mp4")).going_on.empty());
}

TEST_F(Videos, WhoReadsAVideoSecondTakesOver) {
    VideoReading first = catalog.begin_video(source, made_by, video_like("a.mp4"));
    ASSERT_TRUE(catalog.put_footage(first, {.until = 10, .appearances = {appearance_like(1)}}));
    VideoReading second = catalog.begin_video(source, made_by, video_like("a.mp4"));
    EXPECT_EQ(second.indexed_until, 10);
    EXPECT_FALSE(catalog.put_footage(first, {.until = 20, .appearances = {appearance_like(11)}}));
    EXPECT_EQ(first.indexed_until, 10);
    EXPECT_TRUE(catalog.put_footage(second, {.until = 20, .appearances = {appearance_like(11)}}));
    EXPECT_EQ(catalog.appearances(second.video).size(), 2U);

    catalog.remove_videos(event, std::vector{second.video});
    EXPECT_FALSE(catalog.put_footage(second, {.until = 30}));
}

TEST_F(Videos, AFinishedVideoIsLeftAsItIs) {
    const VideoId video = put_video(catalog, source, "a.mp4", 3);
    const VideoReading reading = catalog.begin_video(source, made_by, video_like("a.mp4"));
    EXPECT_EQ(reading.video, video);
    EXPECT_TRUE(reading.finished);
    EXPECT_EQ(reading.indexed_until, 3600.125);
    EXPECT_EQ(catalog.appearances(video).size(), 3U);
    VideoReading more = reading;
    EXPECT_EQ(code_of([&] { catalog.put_footage(more, {.until = 4000}); }), ErrorCode::bad_input);
}

TEST_F(Videos, NewContentsOrModelsBeginAnew) {
    const VideoId video = put_video(catalog, source, "a.mp4", 3);
    const std::string uuid = catalog.video(video).uuid;
    catalog.set_videos_hidden(event, std::vector{video}, true);
    const auto begins_anew = [&](const Recognition& recognition, const VideoRecord& record) {
        const auto before = ids_of(catalog.appearances(video));
        ASSERT_FALSE(before.empty());
        const auto counter = catalog.change_counter(event);
        VideoReading reading = catalog.begin_video(source, recognition, record);
        EXPECT_EQ(reading.video, video);
        EXPECT_EQ(reading.indexed_until, 0);
        EXPECT_EQ(reading.damaged_frames, 0);
        EXPECT_FALSE(reading.finished);
        EXPECT_TRUE(reading.going_on.empty());
        const VideoEntry entry = catalog.video(video);
        EXPECT_EQ(entry.uuid, uuid);
        EXPECT_TRUE(entry.hidden);
        EXPECT_EQ(entry.indexed_until, 0);
        EXPECT_EQ(entry.damaged_frames, 0);
        EXPECT_EQ(entry.info.duration, record.info.duration);
        EXPECT_TRUE(catalog.appearances(video).empty());
        EXPECT_EQ(appearances_told_since(catalog, event, counter).removed, before);
        Appearance going_on = appearance_like(5);
        going_on.goes_on = true;
        ASSERT_TRUE(
            catalog.put_footage(reading, {.until = 9, .damaged_frames = 2, .appearances = {going_on}}));
        EXPECT_TRUE(appearances_told_since(catalog, event, counter).put.at(0).hidden);
    };
    VideoRecord changed = video_like("a.mp4");
    changed.fingerprint = "other bytes";
    changed.info.duration = 12;
    begins_anew(made_by, changed);
    begins_anew({.embedder = "dlib-resnet", .reader = made_by.reader}, changed);
    begins_anew({.embedder = "dlib-resnet", .reader = "tesseract"}, changed);
}

TEST_F(Videos, AVideoThatCannotBeOpenedIsRemembered) {
    VideoRecord broken = video_like("broken\n.mp4");
    broken.info = {};
    broken.failure = "not a video";
    const VideoReading reading = catalog.begin_video(source, made_by, broken);
    EXPECT_TRUE(reading.finished);
    EXPECT_EQ(catalog.video(reading.video).failure, "not a video");

    PhotoRecord photo = photo_like("broken.jpg");
    photo.failure = "truncated";
    const auto photos = catalog.put_batch(source, made_by, {{photo}});
    const auto failures = catalog.failures(event);
    ASSERT_EQ(failures.size(), 2U);
    EXPECT_EQ(failures[0].photo, photos[0]);
    EXPECT_EQ(failures[0].video, 0);
    EXPECT_EQ(failures[1].photo, 0);
    EXPECT_EQ(failures[1].video, reading.video);
    EXPECT_EQ(failures[1].key, "broken\n.mp4");
    EXPECT_EQ(failures[1].reason, "not a video");
    EXPECT_FALSE(failures[1].partly);
    EXPECT_EQ(catalog.failures(event, 1).size(), 1U);

    auto known = known_videos_in(catalog, source).at(0);
    EXPECT_TRUE(known.failed);
    EXPECT_TRUE(known.finished);
    EXPECT_TRUE(known.current);
    EXPECT_EQ(known.fingerprint, broken.fingerprint);
    EXPECT_EQ(catalog.retry_failed(event), 2U);
    known = known_videos_in(catalog, source).at(0);
    EXPECT_EQ(known.fingerprint, "");

    broken.failure.clear();
    VideoReading retried = catalog.begin_video(source, made_by, broken);
    EXPECT_EQ(retried.video, reading.video);
    EXPECT_FALSE(retried.finished);
    EXPECT_EQ(catalog.failures(event).size(), 1U);
}

TEST_F(Videos, AVideoThatGivesOutMidwayKeepsWhatWasRead) {
    VideoReading reading = catalog.begin_video(source, made_by, video_like("a.mp4"));
    Appearance last = appearance_like(8);
    last.goes_on = true;
    ASSERT_TRUE(catalog.put_footage(
        reading, {.until = 10, .damaged_frames = 12, .failure = "cut off at 10 s", .appearances = {last}}));
    EXPECT_TRUE(reading.finished);
    EXPECT_TRUE(reading.going_on.empty());
    EXPECT_EQ(catalog.appearances(reading.video).size(), 1U);
    const auto failures = catalog.failures(event);
    ASSERT_EQ(failures.size(), 1U);
    EXPECT_EQ(failures[0].reason, "cut off at 10 s");
    EXPECT_TRUE(failures[0].partly);
    const EventCounts counts = catalog.counts(event);
    EXPECT_EQ(counts.videos.processed, 1);
    EXPECT_EQ(counts.videos.failed, 0);
    const KnownVideo known = known_videos_in(catalog, source).at(0);
    EXPECT_TRUE(known.failed);
    EXPECT_TRUE(known.current);
    EXPECT_TRUE(known.finished);

    const VideoReading again = catalog.begin_video(source, made_by, video_like("a.mp4"));
    EXPECT_EQ(again.indexed_until, 0);
    EXPECT_FALSE(again.finished);
    EXPECT_TRUE(catalog.appearances(reading.video).empty());
}

TEST_F(Videos, AFailureToOpenAgainKeepsWhatWasReadOfTheSameContents) {
    VideoReading reading = catalog.begin_video(source, made_by, video_like("a.mp4"));
    ASSERT_TRUE(catalog.put_footage(reading, {.until = 10, .appearances = {appearance_like(1)}}));
    VideoRecord gone = video_like("a.mp4");
    gone.info = {};
    gone.failure = "no longer answers";
    const VideoReading failed = catalog.begin_video(source, made_by, gone);
    EXPECT_TRUE(failed.finished);
    EXPECT_EQ(failed.indexed_until, 10);
    EXPECT_EQ(catalog.appearances(reading.video).size(), 1U);
    EXPECT_EQ(catalog.video(reading.video).info.codec, "h264");
    EXPECT_TRUE(catalog.failures(event).at(0).partly);

    gone.fingerprint = "other bytes";
    EXPECT_EQ(catalog.begin_video(source, made_by, gone).indexed_until, 0);
    EXPECT_TRUE(catalog.appearances(reading.video).empty());
    EXPECT_FALSE(catalog.failures(event).at(0).partly);
}

TEST_F(Videos, KnownVideosSayWhatIsLeftToDo) {
    put_video(catalog, source, "b.mp4", 1);
    VideoReading reading = catalog.begin_video(source, made_by, video_like("a.mp4"));
    catalog.put_footage(reading, {.until = 5});
    catalog.put_batch(source, made_by, {{photo_like("photo.jpg")}});

    auto known = known_videos_in(catalog, source);
    ASSERT_EQ(known.size(), 2U);
    EXPECT_EQ(known[0].key, "a.mp4");
    EXPECT_EQ(known[0].video, reading.video);
    EXPECT_FALSE(known[0].finished);
    EXPECT_TRUE(known[0].current);
    EXPECT_FALSE(known[0].failed);
    EXPECT_EQ(known[1].fingerprint, "etag of b.mp4");
    EXPECT_TRUE(known[1].finished);
    EXPECT_TRUE(known[1].current);
    EXPECT_EQ(known_in(catalog, source).size(), 1U);
    for (const Recognition& other :
         {Recognition{"dlib-resnet", made_by.reader}, {made_by.embedder, "tesseract"}}) {
        EXPECT_FALSE(known_videos_in(catalog, source, other)[1].current);
    }
}

TEST_F(Videos, KnownVideosAreToldWholeOverManyPages) {
    const VideoId first = catalog.begin_video(source, made_by, video_like("0")).video;
    raw().run(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1002)"
        " INSERT INTO videos(uuid, event, source, key, fingerprint, bytes, container, codec, width, height,"
        " rotation, frame_rate, duration, audio_tracks, reader, turn, finished, indexed)"
        " SELECT randomblob(16), event, source, CAST(i AS BLOB), fingerprint, bytes, container, codec, "
        "width, "
        "height, rotation, frame_rate, duration, audio_tracks, reader, turn, finished, indexed"
        " FROM videos, n WHERE id = ?",
        first);
    const auto known = known_videos_in(catalog, source);
    EXPECT_EQ(known.size(), 1003U);
    EXPECT_TRUE(std::ranges::is_sorted(known, {}, &KnownVideo::key));
}

TEST_F(Videos, RefusedFootageStoresNothing) {
    VideoReading reading = catalog.begin_video(source, made_by, video_like("a.mp4"));
    Appearance going_on = appearance_like(8);
    going_on.goes_on = true;
    ASSERT_TRUE(catalog.put_footage(reading, {.until = 10, .appearances = {going_on}}));
    const auto ids = reading.going_on_ids;
    const auto refused = [&](const VideoFootage& footage) {
        EXPECT_EQ(code_of([&] { catalog.put_footage(reading, footage); }), ErrorCode::bad_input);
        EXPECT_EQ(reading.indexed_until, 10);
        EXPECT_EQ(reading.going_on_ids, ids);
        EXPECT_EQ(catalog.video(reading.video).indexed_until, 10);
        EXPECT_EQ(ids_of(catalog.appearances(reading.video)), ids);
        EXPECT_TRUE(catalog.appearances(reading.video)[0].seen.goes_on);
    };
    const double none = std::nan("");
    const float nothing = std::nanf("");
    refused({.until = none});
    refused({.until = std::numeric_limits<double>::infinity()});
    refused({.until = 9});
    const auto refuses = [&](const auto& spoil) {
        VideoFootage footage{.until = 20, .appearances = {appearance_like(12), appearance_like(14)}};
        spoil(footage.appearances[1]);
        refused(footage);
    };
    refuses([&](Appearance& seen) { seen.continues = 1; });
    refuses([&](Appearance& seen) { seen.span.start = none; });
    refuses([&](Appearance& seen) { seen.span.end = seen.span.start - 0.001; });
    refuses([&](Appearance& seen) { seen.face_time = none; });
    refuses([&](Appearance& seen) { seen.path[1].time = none; });
    refuses([&](Appearance& seen) { seen.path[1].box.x = nothing; });
    refuses([&](Appearance& seen) { seen.face->box.x = nothing; });
    refuses([&](Appearance& seen) { seen.face->quality = nothing; });
    refuses([&](Appearance& seen) { seen.face->embedding[5] = std::numeric_limits<float>::infinity(); });
    refuses([&](Appearance& seen) { seen.bib_reads[1].time = none; });
    VideoRecord endless = video_like("b.mp4");
    endless.info.duration = std::numeric_limits<double>::infinity();
    EXPECT_EQ(code_of([&] { catalog.begin_video(source, made_by, endless); }), ErrorCode::bad_input);
    EXPECT_EQ(catalog.counts(event).videos.total, 1);

    Appearance continued = appearance_like(12);  // the catalog goes on
    continued.continues = 0;
    EXPECT_TRUE(catalog.put_footage(reading, {.until = 20, .appearances = {continued}}));
    EXPECT_EQ(catalog.appearances(reading.video).at(1).chain, ids[0]);
}

TEST_F(Videos, AnAppearanceContinuesOnlyOneOfItsOwnVideo) {
    const VideoId other = put_video(catalog, source, "other.mp4", 1);
    VideoReading reading = catalog.begin_video(source, made_by, video_like("a.mp4"));
    reading.going_on_ids = ids_of(catalog.appearances(other));
    Appearance seen = appearance_like(1);
    seen.continues = 0;
    EXPECT_EQ(code_of([&] { catalog.put_footage(reading, {.until = 2, .appearances = {seen}}); }),
              ErrorCode::bad_input);
    EXPECT_TRUE(catalog.appearances(reading.video).empty());
}

TEST_F(Videos, CountsTellVideosFromPhotos) {
    catalog.put_batch(source, made_by, photos_like("p", 3));
    const VideoId whole = put_video(catalog, source, "whole.mp4", 1);
    VideoReading partly = catalog.begin_video(source, made_by, video_like("partly.mp4"));
    catalog.put_footage(partly, {.until = 60.5});
    catalog.begin_video(source, made_by, video_like("begun.mp4"));
    VideoRecord broken = video_like("broken.mp4");
    broken.failure = "not a video";
    catalog.begin_video(source, made_by, broken);
    VideoReading nothing = catalog.begin_video(source, made_by, video_like("nothing.mp4"));
    catalog.put_footage(nothing, {.failure = "no frame can be decoded"});
    catalog.set_videos_hidden(event, std::vector{whole, partly.video, VideoId{77}}, true);
    const EventId other = catalog.create_event({.name = "Other"});
    put_video(catalog, catalog.add_source(other, "elsewhere"), "x.mp4", 1);

    const EventCounts counts = catalog.counts(event);
    EXPECT_EQ(counts.total, 3);
    EXPECT_EQ(counts.processed, 3);
    EXPECT_EQ(counts.failed, 0);
    EXPECT_EQ(counts.hidden, 0);
    EXPECT_EQ(counts.videos.total, 5);
    EXPECT_EQ(counts.videos.processed, 1);
    EXPECT_EQ(counts.videos.in_progress, 2);
    EXPECT_EQ(counts.videos.failed, 2);
    EXPECT_EQ(counts.videos.hidden, 2);
    EXPECT_EQ(counts.videos.seconds, 3600.125 + 60.5);
    EXPECT_EQ(catalog.counts(catalog.create_event({.name = "Empty"})).videos.total, 0);
    const auto embedders = catalog.embedders(event);
    ASSERT_EQ(embedders.size(), 1U);
    EXPECT_EQ(embedders[0].photos, 3);
    EXPECT_EQ(embedders[0].videos, 2);
}

TEST_F(Videos, ChangesAreToldOnce) {
    catalog.put_batch(source, made_by, {{photo_like("photo.jpg")}});
    const VideoId video = put_video(catalog, source, "a.mp4", 3);
    auto told = appearances_told_since(catalog, event, 0);
    ASSERT_EQ(told.put.size(), 3U);
    EXPECT_TRUE(told.removed.empty());
    EXPECT_EQ(told.put[1].seen.face->embedding, embedding_like(1));
    EXPECT_EQ(told.put[1].seen.bib_reads.size(), 2U);
    EXPECT_EQ(told.put[1].seen.span, (TimeSpan{1, 3}));
    EXPECT_TRUE(told.put[1].seen.path.empty());
    EXPECT_EQ(told.put[1].chain, told.put[1].appearance);
    EXPECT_EQ(told_since(catalog, event, 0).put.size(), 1U);  // photos apart
    const auto nothing_new = [&] {
        const auto counter = told.changes.counter;
        told = appearances_told_since(catalog, event, counter);
        EXPECT_TRUE(told.put.empty());
        EXPECT_TRUE(told.removed.empty());
        EXPECT_EQ(catalog.change_counter(event), told.changes.counter);
    };
    nothing_new();
    const auto next = [&] {
        const auto before = told.changes.counter;
        EXPECT_GT(catalog.change_counter(event), before);
        EXPECT_TRUE(told_since(catalog, event, before).put.empty());  // no photo has changed
        told = appearances_told_since(catalog, event, before);
        return told;
    };

    VideoReading reading = catalog.begin_video(source, made_by, video_like("b.mp4"));
    catalog.put_footage(reading, {.until = 10, .appearances = {appearance_like(1)}});
    EXPECT_EQ(next().put.size(), 1U);
    nothing_new();
    catalog.put_footage(reading, {.until = 20, .appearances = {appearance_like(11), appearance_like(12)}});
    EXPECT_EQ(starts_of(next().put), (std::vector<double>{11, 12}));  // those stored before did not change
    nothing_new();

    EXPECT_EQ(catalog.set_videos_hidden(event, std::vector{video}, true), 1U);
    EXPECT_EQ(next().put.size(), 3U);
    EXPECT_TRUE(told.put[0].hidden);
    EXPECT_EQ(catalog.set_videos_hidden(event, std::vector{video}, true), 0U);
    nothing_new();
    EXPECT_EQ(catalog.set_videos_hidden(event, std::vector{video}, false), 1U);
    EXPECT_FALSE(next().put.at(2).hidden);

    const auto ids = ids_of(catalog.appearances(video));
    EXPECT_EQ(catalog.remove_videos(event, std::vector{video}), 1U);
    EXPECT_EQ(next().removed, ids);
    EXPECT_TRUE(told.put.empty());
    nothing_new();
    EXPECT_TRUE(appearances_told_since(catalog, event, 0).removed.empty());

    catalog.set_roster(event, std::vector<RosterEntry>{{"12", "Ann"}});
    EXPECT_TRUE(next().changes.settings_changed);
    nothing_new();
    EXPECT_FALSE(told.changes.settings_changed);
}

TEST_F(Videos, ChangesComeWithTheEmbeddingsOfOneModel) {
    put_video(catalog, source, "old.mp4", 1);
    put_video(catalog, source, "new.mp4", 1, {.embedder = "dlib-resnet", .reader = made_by.reader});
    const auto embedded = [&](const std::string& embedder) {
        std::vector<bool> each;
        for (const AppearanceContent& content : appearances_told_since(catalog, event, 0, embedder).put) {
            each.push_back(!content.seen.face.value().embedding.empty());
        }
        return each;
    };
    EXPECT_EQ(embedded(made_by.embedder), (std::vector{true, false}));
    EXPECT_EQ(embedded("dlib-resnet"), (std::vector{false, true}));
    EXPECT_EQ(embedded("never seen"), (std::vector{false, false}));
}

TEST_F(Videos, TheListenerMayCallTheCatalog) {
    put_video(catalog, source, "a.mp4", 600);  // three pages
    std::set<AppearanceId> told;
    catalog.appearance_changes_since(
        event, 0, made_by.embedder,
        [&](AppearanceContent&& content) {
            EXPECT_TRUE(told.insert(content.appearance).second);
            if (told.size() == 1) put_video(catalog, source, "b.mp4", 5);
        },
        [](AppearanceId) { FAIL(); });
    EXPECT_EQ(told.size(), 600U);
}

TEST_F(Videos, EmbeddingsOfAModelAreForgottenAndTheVideoIsOutOfDate) {
    const VideoId video = put_video(catalog, source, "a.mp4", 2);
    VideoReading reading = catalog.begin_video(source, made_by, video_like("b.mp4"));
    catalog.put_footage(reading, {.until = 10, .appearances = {appearance_like(1)}});
    const VideoId other =
        put_video(catalog, source, "c.mp4", 1, {.embedder = "dlib-resnet", .reader = made_by.reader});
    const auto counter = catalog.change_counter(event);
    catalog.remove_embeddings(event, made_by.embedder);

    EXPECT_TRUE(catalog.appearances(video, made_by.embedder)[0].seen.face->embedding.empty());
    EXPECT_EQ(catalog.appearances(video)[0].seen.bib_reads.size(), 2U);
    EXPECT_FALSE(catalog.appearances(other, "dlib-resnet")[0].seen.face->embedding.empty());
    EXPECT_EQ(appearances_told_since(catalog, event, counter).put.size(), 3U);
    EXPECT_FALSE(known_videos_in(catalog, source)[0].current);
    EXPECT_FALSE(known_videos_in(catalog, source)[1].current);
    EXPECT_FALSE(catalog.put_footage(reading, {.until = 20, .appearances = {appearance_like(11)}}));
    EXPECT_EQ(catalog.begin_video(source, made_by, video_like("b.mp4")).indexed_until, 0);
    EXPECT_EQ(catalog.embedders(event).size(), 1U);
}

class VideoSearches : public Videos {
  protected:
    SavedSearch search_for(const std::vector<AppearanceId>& appearances) const {
        SavedSearch search{.request_id = request, .appearances = std::vector<AppearanceMatch>()};
        for (const AppearanceId appearance : appearances) {
            search.appearances->push_back(
                {.appearance = appearance, .probability = 0.75, .similarity = 0.625F});
        }
        return search;
    }

    SavedSearch load() const { return catalog.load_search(event, request).value(); }

    const std::string request = "8d1b6c52-0f0a-4c38-9f6e-2a7e51b0c9aa";
    const VideoId video = put_video(catalog, source, "a.mp4", 4);
    const std::vector<AppearanceId> ids = ids_of(catalog.appearances(video));
};

TEST_F(VideoSearches, AreFrozenWithTheirPhotos) {
    SavedSearch search = search_for({ids[2], ids[0]});
    search.kind = SearchKind::bib;
    search.bib = "A207";
    search.appearances->at(1) = {ids[0], MatchKind::bib_partial, 0.5, 0, "A2%'"};
    const auto photos = catalog.put_batch(source, made_by, {{photo_like("photo.jpg")}});
    search.matches.push_back({.photo = photos[0], .kind = MatchKind::bib, .box = {}, .bib = "A207"});
    EXPECT_TRUE(catalog.save_search(event, search));
    EXPECT_FALSE(catalog.save_search(event, search_for({ids[3]})));
    EXPECT_FALSE(catalog.set_search_appearances(event, request, *search_for({ids[3]}).appearances));
    EXPECT_EQ(load().appearances, search.appearances);
    EXPECT_EQ(load().matches.size(), 1U);
    EXPECT_EQ(load().kind, SearchKind::bib);
    EXPECT_EQ(catalog.event(event).billable_searches, 1);
}

TEST_F(VideoSearches, WithoutVideosCanBeCompletedLaterOnce) {
    SavedSearch search = search_for({});
    search.appearances.reset();
    catalog.save_search(event, search);
    EXPECT_EQ(load().appearances, std::nullopt);
    const auto found = *search_for({ids[1], ids[3]}).appearances;
    EXPECT_TRUE(catalog.set_search_appearances(event, "8D1B6C52-0F0A-4C38-9F6E-2A7E51B0C9AA", found));
    EXPECT_FALSE(catalog.set_search_appearances(event, request, *search_for({ids[0]}).appearances));
    EXPECT_EQ(load().appearances, found);
    EXPECT_EQ(catalog.event(event).billable_searches, 1);
    const EventId other = catalog.create_event({.name = "Other"});
    EXPECT_EQ(code_of([&] { catalog.set_search_appearances(other, request, found); }), ErrorCode::not_found);
}

TEST_F(VideoSearches, ThatFoundNobodyHaveLooked) {
    catalog.save_search(event, search_for({}));
    ASSERT_TRUE(load().appearances.has_value());
    EXPECT_TRUE(load().appearances->empty());
    EXPECT_FALSE(catalog.set_search_appearances(event, request, *search_for({ids[0]}).appearances));
    EXPECT_TRUE(load().appearances->empty());
}

TEST_F(VideoSearches, ThatExpiredCannotBeCompleted) {
    SavedSearch search = search_for({});
    search.appearances.reset();
    search.expires = 1;
    catalog.save_search(event, search);
    EXPECT_EQ(code_of([&] { catalog.set_search_appearances(event, request, {}); }), ErrorCode::not_found);
}

TEST_F(VideoSearches, LoseVideosThatAreHiddenRemovedOrReadAgain) {
    const VideoId second = put_video(catalog, source, "b.mp4", 1);
    const auto of_second = ids_of(catalog.appearances(second));
    const VideoId third = put_video(catalog, source, "c.mp4", 1);
    const auto of_third = ids_of(catalog.appearances(third));
    catalog.save_search(event, search_for({ids[0], of_second[0], of_third[0], 9999}));
    const auto found = [&] {
        std::vector<AppearanceId> appearances;
        const SavedSearch search = load();
        for (const AppearanceMatch& match : search.appearances.value())
            appearances.push_back(match.appearance);
        return appearances;
    };
    EXPECT_EQ(found(), (std::vector{ids[0], of_second[0], of_third[0]}));
    catalog.set_videos_hidden(event, std::vector{video}, true);
    EXPECT_EQ(found(), (std::vector{of_second[0], of_third[0]}));
    catalog.remove_videos(event, std::vector{second});
    EXPECT_EQ(found(), of_third);
    VideoRecord changed = video_like("c.mp4");
    changed.fingerprint = "other bytes";
    catalog.begin_video(source, made_by, changed);
    EXPECT_TRUE(found().empty());
    catalog.set_videos_hidden(event, std::vector{video}, false);
    EXPECT_EQ(found(), std::vector{ids[0]});
    const EventId other = catalog.create_event({.name = "Other"});
    catalog.save_search(other, search_for({ids[0]}));  // of another event
    EXPECT_TRUE(catalog.load_search(other, request)->appearances->empty());
}

TEST_F(Videos, DeletingAnEventLeavesNoRowOfItsVideos) {
    const VideoId video = put_video(catalog, source, "a.mp4", 20);
    put_video(catalog, source, "b.mp4", 1);
    catalog.save_search(event, {.request_id = uuid_text(make_uuid()),
                                .appearances = {{{.appearance = catalog.appearances(video)[0].appearance}}}});
    VideoReading begun = catalog.begin_video(source, made_by, video_like("c.mp4"));
    catalog.put_footage(begun, {.until = 1, .appearances = {appearance_like(0)}});
    catalog.remove_videos(event, std::vector{begun.video});
    const EventId other = catalog.create_event({.name = "Other"});
    put_video(catalog, catalog.add_source(other, "elsewhere"), "x.mp4", 2);

    auto database = raw();
    const auto rows = [&](const std::string& table) {
        return database.integer("SELECT count(*) FROM " + table);
    };
    const std::vector<std::string> tables{"appearance_removals", "search_appearances"};
    for (const std::string& table : tables) EXPECT_GT(rows(table), 0) << table;
    catalog.delete_event(event);
    for (const std::string& table : tables) EXPECT_EQ(rows(table), 0) << table;
    EXPECT_EQ(rows("videos"), 1);
    EXPECT_EQ(rows("appearances"), 2);
    EXPECT_EQ(rows("appearance_faces"), 2);
    EXPECT_EQ(rows("appearance_embeddings"), 2);
    EXPECT_EQ(rows("appearance_reads"), 4);
    EXPECT_EQ(code_of([&] { catalog.video(video); }), ErrorCode::not_found);
}

TEST_F(Videos, EveryQueryOfAnEventUsesAnIndex) {
    put_video(catalog, source, "a.mp4", 3);
    auto database = raw();
    for (const std::string query :
         {"SELECT * FROM appearances WHERE event = 1 AND (changed, id) > (1, 1) AND changed <= 9 ORDER BY "
          "changed, id",
          "SELECT * FROM appearances WHERE video = 1 ORDER BY start, id",
          "UPDATE appearances SET goes_on = 0 WHERE video = 1 AND goes_on",
          "DELETE FROM appearances WHERE video = 1", "DELETE FROM search_appearances WHERE appearance = 1",
          "SELECT * FROM videos WHERE event = 1 ORDER BY id"}) {
        auto plan = database.query("EXPLAIN QUERY PLAN " + query);
        std::string text;
        while (plan.step()) text += plan.text(3) + "\n";
        EXPECT_NE(text.find("SEARCH"), std::string::npos) << query << "\n" << text;
        EXPECT_EQ(text.find("SCAN"), std::string::npos) << query << "\n" << text;
        EXPECT_EQ(text.find("TEMP B-TREE"), std::string::npos) << query << "\n" << text;
    }
}

TEST_F(Videos, AVideoOfTenThousandAppearancesIsHandledWhole) {
    constexpr int count = 10'000;
    const VideoId video = put_video(catalog, source, "long.mp4", count);
    const auto told = appearances_told_since(catalog, event, 0);
    ASSERT_EQ(told.put.size(), std::size_t{count});
    EXPECT_EQ(told.put.back().seen.span.start, count - 1);
    const auto stored = catalog.appearances(video, made_by.embedder);
    ASSERT_EQ(stored.size(), std::size_t{count});
    EXPECT_TRUE(std::ranges::is_sorted(starts_of(stored)));
    EXPECT_EQ(stored[4321].seen.face->embedding, embedding_like(4321));
    catalog.set_videos_hidden(event, std::vector{video}, true);
    EXPECT_EQ(appearances_told_since(catalog, event, told.changes.counter).put.size(), std::size_t{count});
    catalog.remove_videos(event, std::vector{video});
    EXPECT_EQ(appearances_told_since(catalog, event, told.changes.counter).removed, ids_of(stored));
}

TEST_F(Videos, ManyThreadsReadWhileOthersWrite) {
    constexpr int pieces = 15;
    std::vector<std::thread> threads;
    for (int writer = 0; writer < 2; ++writer) {
        threads.emplace_back([&, writer] {
            VideoReading reading =
                catalog.begin_video(source, made_by, video_like(std::to_string(writer) + ".mp4"));
            for (int i = 1; i <= pieces; ++i) {
                VideoFootage footage{.until = i * 10.0, .finished = i == pieces};
                for (int k = 0; k < 5; ++k) footage.appearances.push_back(appearance_like(i * 10 - 9 + k));
                EXPECT_TRUE(catalog.put_footage(reading, footage));
            }
        });
    }
    threads.emplace_back([&] {  // photos, which have the same counter
        for (int i = 0; i < pieces; ++i)
            catalog.put_batch(source, made_by, photos_like(std::to_string(i) + "-", 3));
    });
    for (int reader = 0; reader < 3; ++reader) {
        threads.emplace_back([&] {
            std::int64_t counter = 0;
            std::int64_t photo_counter = 0;
            std::set<AppearanceId> seen;
            std::size_t photos = 0;
            while (seen.size() < 2 * pieces * 5 || photos < pieces * 3) {
                const AppearancesTold told = appearances_told_since(catalog, event, counter);
                EXPECT_EQ(told.put.size() % 5, 0U);  // footage is seen whole
                for (const AppearanceContent& content : told.put) {
                    EXPECT_TRUE(seen.insert(content.appearance).second);
                    EXPECT_EQ(content.seen.bib_reads.size(), 2U);
                }
                counter = told.changes.counter;
                const Told photos_told = told_since(catalog, event, photo_counter);
                photos += photos_told.put.size();
                photo_counter = photos_told.changes.counter;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(catalog.counts(event).videos.processed, 2);
    EXPECT_EQ(catalog.counts(event).videos.seconds, 2 * pieces * 10);
}

TEST_F(Videos, AStoredPathThatIsDamagedIsAnError) {
    const std::vector<Waypoint> path{{3599.999999, {1, -2, 3.5F, 4}}, {1e9, {0, 0, 0, 0}}};
    EXPECT_EQ(path_of(path_blob(path)), path);
    EXPECT_TRUE(path_of({}).empty());
    auto cut = path_blob(path);
    cut.pop_back();
    EXPECT_EQ(code_of([&] { path_of(cut); }), ErrorCode::bad_input);
}

}  // namespace
}  // namespace eventlens
