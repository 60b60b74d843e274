#include <algorithm>
#include <set>

#include "base/uuid.h"
#include "catalog_fixture.h"

// What an album shows, in which order, and what the organiser takes out of it for good.
namespace eventlens {
namespace {

using namespace testing;

class Album : public CatalogTest {
  protected:
    Album() : catalog(Catalog::open(workspace())), event(catalog.create_event({.name = "Race"})) {
        source = catalog.add_source(event, "folder");
    }

    PhotoId put(const std::string& key, std::optional<std::int64_t> captured = std::nullopt) {
        PhotoRecord photo = photo_like(key);
        photo.captured = std::nullopt;
        if (captured) photo.captured = CaptureTime{*captured, 0};
        return catalog.put_batch(source, made_by, std::vector{photo}).at(0);
    }

    std::vector<PhotoId> order() const {
        std::vector<PhotoId> ids;
        for (const PhotoPlace& place : catalog.photo_order(event)) ids.push_back(place.photo);
        return ids;
    }

    std::set<std::string> keys_known() const {
        std::set<std::string> keys;
        for (const KnownObject& known : known_in(catalog, source)) keys.insert(known.key);
        for (const KnownVideo& known : known_videos_in(catalog, source)) keys.insert(known.key);
        return keys;
    }

    bool is_unwanted(StoreId store, const std::string& uuid) const {
        return catalog.is_unwanted({store, "", "", rendition_key(event, uuid, RenditionKind::thumbnail)});
    }

    Catalog catalog;
    EventId event = 0;
    SourceId source = 0;
};

TEST_F(Album, PhotosStandByTimeThoseWithoutOneLastThenByUuid) {
    EXPECT_TRUE(order().empty());
    EXPECT_EQ(code_of([&] { static_cast<void>(catalog.photo_order(99)); }), ErrorCode::not_found);
    std::vector<PhotoId> timeless{put("t1"), put("t2"), put("t3")};
    std::vector<PhotoId> at_noon{put("n1", 5000), put("n2", 5000), put("n3", 5000)};
    const PhotoId late = put("z", 9000);
    const PhotoId before_1970 = put("old", -9000);
    const PhotoId hidden = put("hidden", 1);
    catalog.set_hidden(event, std::vector{hidden}, true);
    PhotoRecord failed = photo_like("failed");
    failed.faces.clear();
    failed.bib_reads.clear();
    failed.failure = "broken";
    catalog.put_batch(source, made_by, std::vector{failed});
    const EventId other = catalog.create_event({.name = "Other"});
    catalog.put_batch(catalog.add_source(other, "folder"), made_by, photos_like("o", 2));

    const auto by_uuid = [&](PhotoId a, PhotoId b) { return catalog.photo(a).uuid < catalog.photo(b).uuid; };
    std::ranges::sort(timeless, by_uuid);
    std::ranges::sort(at_noon, by_uuid);
    std::vector<PhotoId> expected{before_1970};
    expected.insert(expected.end(), at_noon.begin(), at_noon.end());
    expected.push_back(late);
    expected.insert(expected.end(), timeless.begin(), timeless.end());
    EXPECT_EQ(order(), expected);

    for (const PhotoPlace& place : catalog.photo_order(event)) {
        const PhotoInfo photo = catalog.photo(place.photo);
        const Uuid uuid = *parse_uuid(photo.uuid);
        EXPECT_TRUE(std::ranges::equal(std::as_bytes(std::span(uuid)), place.uuid));
        EXPECT_EQ(place.captured_utc, photo.captured_utc);
    }
    catalog.set_hidden(event, std::vector{hidden}, false);
    EXPECT_EQ(order().at(1), hidden);
}

TEST_F(Album, RenditionsOfManyPhotosComeAtOnce) {
    catalog.set_renditions(event, {.store_uri = "s3://bucket/", .store_access = "region=eu"});
    const StoreId store = catalog.renditions(event)->store;
    EXPECT_EQ(catalog.store(store).uri, "s3://bucket/");
    EXPECT_EQ(catalog.store(store).access, "region=eu");
    EXPECT_EQ(code_of([&] { static_cast<void>(catalog.store(99)); }), ErrorCode::not_found);

    const PhotoId bare = put("bare");
    std::vector<PhotoId> asked{bare, 12345};
    std::map<PhotoId, std::vector<Rendition>> expected;
    for (const std::string key : {"a", "b"}) {
        PhotoRecord photo = photo_like(key);
        photo.uuid = catalog.begin_renditions(source, store, std::vector{key}).at(0);
        photo.renditions = {{RenditionKind::preview, store, {2048, 1365}, 900, "p"},
                            {RenditionKind::thumbnail, store, {400, 267}, 90, "t"}};
        const PhotoId id = catalog.put_batch(source, made_by, std::vector{photo}).at(0);
        expected[id] = photo.renditions;
        asked.push_back(id);
        asked.push_back(id);
    }
    EXPECT_EQ(catalog.renditions_of(asked), expected);
    EXPECT_TRUE(catalog.renditions_of({}).empty());
}

TEST_F(Album, WhatIsDeletedStaysAway) {
    const PhotoId removed = put("removed.jpg");
    const PhotoId deleted = put("deleted.jpg");
    const PhotoId kept = put("kept.jpg");
    const VideoId film = put_video(catalog, source, "deleted.mp4", 2);
    const EventId other = catalog.create_event({.name = "Other"});
    EXPECT_EQ(catalog.delete_photos(other, std::vector{kept}), 0U);  // not its own
    EXPECT_TRUE(catalog.forbidden_keys(source).empty());

    EXPECT_EQ(catalog.remove_photos(event, std::vector{removed}), 1U);
    EXPECT_EQ(catalog.delete_photos(event, std::vector{deleted, deleted, PhotoId{999}}), 1U);
    EXPECT_EQ(catalog.delete_videos(event, std::vector{film}), 1U);
    EXPECT_EQ(catalog.forbidden_keys(source), (std::vector<std::string>{"deleted.jpg", "deleted.mp4"}));
    EXPECT_EQ(keys_known(), std::set<std::string>{"kept.jpg"});

    // An index run that listed them before does not bring them back.
    const auto ids =
        catalog.put_batch(source, made_by, std::vector{photo_like("deleted.jpg"), photo_like("removed.jpg")});
    EXPECT_EQ(ids.at(0), 0);
    EXPECT_NE(ids.at(1), 0);
    VideoReading reading = catalog.begin_video(source, made_by, video_like("deleted.mp4"));
    EXPECT_TRUE(reading.finished);
    EXPECT_EQ(reading.video, 0);
    EXPECT_EQ(keys_known(), (std::set<std::string>{"kept.jpg", "removed.jpg"}));
    EXPECT_EQ(catalog.counts(event).videos.total, 0);

    // Another source, or another event over the same place, knows nothing of it.
    const SourceId elsewhere = catalog.add_source(other, "folder");
    EXPECT_NE(catalog.put_batch(elsewhere, made_by, std::vector{photo_like("deleted.jpg")}).at(0), 0);
}

TEST_F(Album, AReaderOfAVideoThatIsDeletedMeanwhileStops) {
    VideoReading reading = catalog.begin_video(source, made_by, video_like("long.mp4"));
    const VideoFootage piece{.until = 10, .appearances = {appearance_like(5)}};
    ASSERT_TRUE(catalog.put_footage(reading, piece));
    EXPECT_EQ(catalog.delete_videos(event, std::vector{reading.video}), 1U);
    EXPECT_FALSE(catalog.put_footage(reading, {.until = 20, .appearances = {appearance_like(15)}}));
    EXPECT_TRUE(keys_known().empty());
}

TEST_F(Album, FilesOfAPhotoThatIsForbiddenMeanwhileAreUnwanted) {
    catalog.set_renditions(event, {.store_uri = "file:///r"});
    const StoreId store = catalog.renditions(event)->store;
    catalog.delete_photos(event, std::vector{put("a.jpg")});
    PhotoRecord again = photo_like("a.jpg");
    again.uuid = catalog.begin_renditions(source, store, std::vector<std::string>{"a.jpg"}).at(0);
    again.renditions = {{RenditionKind::thumbnail, store, {400, 267}, 90, "t"}};
    EXPECT_EQ(catalog.put_batch(source, made_by, std::vector{again}).at(0), 0);
    EXPECT_TRUE(catalog.begun_renditions(source).empty());
    EXPECT_TRUE(is_unwanted(store, again.uuid));
}

TEST_F(Album, ASourceGoesWithWhatCameFromIt) {
    const SourceId other = catalog.add_source(event, "another");
    catalog.put_batch(source, made_by, photos_like("a", 5));
    put_video(catalog, source, "a.mp4", 2);
    catalog.delete_photos(event, std::vector{put("gone.jpg")});
    catalog.set_renditions(event, {.store_uri = "file:///r"});
    const StoreId store = catalog.renditions(event)->store;
    const std::string begun = catalog.begin_renditions(source, store, std::vector<std::string>{"new"}).at(0);
    const PhotoId kept = catalog.put_batch(other, made_by, photos_like("b", 1)).at(0);
    const std::int64_t before = catalog.change_counter(event);

    const EventId stranger = catalog.create_event({.name = "Other"});
    EXPECT_EQ(code_of([&] { catalog.remove_source(stranger, source); }), ErrorCode::not_found);
    catalog.remove_source(event, source);
    EXPECT_EQ(code_of([&] { catalog.remove_source(event, source); }), ErrorCode::not_found);
    ASSERT_EQ(catalog.sources(event).size(), 1U);
    EXPECT_EQ(catalog.sources(event)[0].id, other);
    EXPECT_EQ(order(), std::vector{kept});
    EXPECT_EQ(catalog.counts(event).videos.total, 0);
    EXPECT_EQ(told_since(catalog, event, before).removed.size(), 5U);
    EXPECT_TRUE(catalog.forbidden_keys(source).empty());
    EXPECT_TRUE(is_unwanted(store, begun));
}

}  // namespace
}  // namespace eventlens
