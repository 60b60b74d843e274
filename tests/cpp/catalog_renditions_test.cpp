#include <map>
#include <set>

#include "catalog_fixture.h"
#include "eventlens/catalog.h"

namespace eventlens {
namespace {

using namespace eventlens::testing;

const RenditionRecipes recipes{.thumbnail = "t1", .preview = "p1", .portrait_preview = "u1"};

class Renditions : public CatalogTest {
  protected:
    Renditions() : catalog(Catalog::open(workspace())), event(catalog.create_event({.name = "Race"})) {
        source = catalog.add_source(event, "file:///photos");
        store = turn_on("file:///first");
    }

    StoreId turn_on(const std::string& uri) {
        catalog.set_renditions(event, {.store_uri = uri});
        return catalog.renditions(event)->store;
    }

    static PhotoRecord record_of(const std::string& key, const std::string& fingerprint = "1") {
        PhotoRecord record;
        record.key = key;
        record.fingerprint = fingerprint;
        record.size = {60, 40};
        return record;
    }

    std::vector<Rendition> both(StoreId in, const RenditionRecipes& by = recipes) const {
        return {{.kind = RenditionKind::thumbnail,
                 .store = in,
                 .size = {40, 27},
                 .bytes = 900,
                 .recipe = by.thumbnail},
                {.kind = RenditionKind::preview,
                 .store = in,
                 .size = {60, 40},
                 .bytes = 1700,
                 .recipe = by.preview}};
    }

    std::string begin(const std::string& key) {
        return catalog.begin_renditions(source, store, std::vector{key}).at(0);
    }

    // As indexing does it, to the end.
    PhotoId put(const std::string& key, const std::string& fingerprint = "1") {
        PhotoRecord record = record_of(key, fingerprint);
        record.uuid = begin(key);
        record.renditions = both(store);
        return put(record);
    }
    PhotoId put(const PhotoRecord& record) {
        return catalog.put_batch(source, made_by, std::vector{record}).at(0);
    }

    std::vector<StoredFile> unwanted_files() const {
        std::vector<StoredFile> files;
        for (const StoreId in : catalog.stores_with_unwanted_files()) {
            for (StoredFile& file : catalog.unwanted_files(in, 1000)) files.push_back(std::move(file));
        }
        return files;
    }
    std::set<std::pair<StoreId, std::string>> unwanted() const {
        std::set<std::pair<StoreId, std::string>> files;
        for (const StoredFile& file : unwanted_files()) files.emplace(file.store, file.key);
        return files;
    }
    std::set<std::pair<StoreId, std::string>> files_of(const std::string& uuid, StoreId in) const {
        return {{in, rendition_key(event, uuid, RenditionKind::thumbnail)},
                {in, rendition_key(event, uuid, RenditionKind::preview)}};
    }
    bool recorded(PhotoId photo) const {
        return catalog.rendition(photo, RenditionKind::thumbnail).has_value() &&
               catalog.rendition(photo, RenditionKind::preview).has_value();
    }

    Catalog catalog;
    EventId event;
    SourceId source = 0;
    StoreId store = 0;
};

TEST_F(Renditions, KeysAreLaidOutAsTheContractHasThem) {
    const std::string uuid = "0f6d2c1e-7a55-4c0b-9b1e-5f0f4a3e9d10";
    EXPECT_EQ(rendition_key(3021, uuid, RenditionKind::preview), "imgs/3021/large/" + uuid + ".jpg");
    EXPECT_EQ(rendition_key(3021, uuid, RenditionKind::thumbnail), "imgs/3021/small/" + uuid + ".jpg");
}

TEST_F(Renditions, SettingsComeBackAsTheyWent) {
    RenditionSettings settings{.store_uri = "s3://bucket/pictures/",
                               .store_access = "region=eu-central-1",
                               .thumbnail_side = 300,
                               .preview_side = 1600,
                               .quality = 77,
                               .artwork = {std::byte{1}, std::byte{0}, std::byte{2}},
                               .artwork_portrait = {std::byte{3}},
                               .layout = {.place = Place::top_left, .width = 0.1, .margin = 0, .opacity = 1}};
    catalog.set_renditions(event, settings);
    const RenditionSettings back = Catalog::open(workspace()).renditions(event).value();
    EXPECT_NE(back.store, store);
    EXPECT_EQ(back.store_uri, settings.store_uri);
    EXPECT_EQ(back.store_access, settings.store_access);
    EXPECT_EQ(back.thumbnail_side, 300);
    EXPECT_EQ(back.preview_side, 1600);
    EXPECT_EQ(back.quality, 77);
    EXPECT_EQ(back.artwork, settings.artwork);
    EXPECT_EQ(back.artwork_portrait, settings.artwork_portrait);
    EXPECT_EQ(back.layout, settings.layout);

    settings.store_access = "profile=lakeside";  // the same place, reached otherwise
    catalog.set_renditions(event, settings);
    EXPECT_EQ(catalog.renditions(event)->store, back.store);
    EXPECT_EQ(catalog.renditions(event)->store_access, "profile=lakeside");

    EXPECT_EQ(catalog.renditions(catalog.create_event({.name = "Other"})), std::nullopt);
    EXPECT_EQ(code_of([&] { (void)catalog.renditions(999); }), ErrorCode::not_found);
    for (const RenditionSettings& wrong :
         {RenditionSettings{.thumbnail_side = 15}, RenditionSettings{.preview_side = 8193},
          RenditionSettings{.thumbnail_side = 500, .preview_side = 400}, RenditionSettings{.quality = 0},
          RenditionSettings{.quality = 101}}) {
        EXPECT_EQ(code_of([&] { catalog.set_renditions(event, wrong); }), ErrorCode::bad_input);
    }
}

TEST_F(Renditions, ANewPhotoGetsTheUuidThatItsFilesBear) {
    const std::string uuid = begin("a.jpg");
    EXPECT_EQ(begin("a.jpg"), uuid);  // a run that was killed, and the next
    PhotoRecord record = record_of("a.jpg");
    record.uuid = uuid;
    record.renditions = both(store);
    const PhotoId photo = put(record);
    EXPECT_EQ(catalog.photo(photo).uuid, uuid);
    EXPECT_EQ(catalog.rendition(photo, RenditionKind::thumbnail), record.renditions[0]);
    EXPECT_EQ(catalog.rendition(photo, RenditionKind::preview), record.renditions[1]);
    const StoredFile file = catalog.rendition_file(photo, record.renditions[1]);
    EXPECT_EQ(file.key, rendition_key(event, uuid, RenditionKind::preview));
    EXPECT_EQ(file.store_uri, "file:///first");
    EXPECT_EQ(begin("a.jpg"), uuid);  // known by now
    EXPECT_TRUE(unwanted().empty());
    EXPECT_TRUE(catalog.begun_renditions(source).empty());
}

TEST_F(Renditions, APhotoThatIsRemovedLeavesItsFilesToBeRemoved) {
    const PhotoId first = put("a.jpg");
    const PhotoId second = put("b.jpg");
    const std::string uuid = catalog.photo(first).uuid;
    catalog.remove_photos(event, std::vector{first});
    EXPECT_EQ(unwanted(), files_of(uuid, store));
    EXPECT_TRUE(recorded(second));

    const std::vector<StoredFile> files = catalog.unwanted_files(store, 1);
    ASSERT_EQ(files.size(), 1U);
    EXPECT_EQ(files[0].store_uri, "file:///first");
    EXPECT_TRUE(catalog.is_unwanted(files[0]));
    catalog.forget_unwanted_files(files);
    EXPECT_FALSE(catalog.is_unwanted(files[0]));
    EXPECT_EQ(unwanted().size(), 1U);

    // The same key again is another photo: nobody who knew the first one's name sees it.
    EXPECT_NE(catalog.photo(put("a.jpg")).uuid, uuid);
    EXPECT_EQ(unwanted().size(), 1U);
}

TEST_F(Renditions, WhatAKilledRunLeftBehindIsKnown) {
    const std::string never_put = begin("a.jpg");
    const PhotoId put_before = put("b.jpg");
    const std::string again = begin("b.jpg");  // its renditions were to be made anew
    EXPECT_EQ(again, catalog.photo(put_before).uuid);
    EXPECT_EQ(catalog.begun_renditions(source), std::vector<std::string>{"a.jpg"});
    EXPECT_TRUE(unwanted().empty());

    // b.jpg is unchanged, so it is not put again; a.jpg is gone from the source.
    catalog.abandon_renditions(source, std::vector<std::string>{"a.jpg", "b.jpg"});
    EXPECT_EQ(unwanted(), files_of(never_put, store));
    EXPECT_TRUE(recorded(put_before));
    catalog.remove_photos(event, std::vector{put_before});
    EXPECT_EQ(unwanted().size(), 4U);
}

// The photo failed, or its store did, after a file may have been written.
TEST_F(Renditions, WithoutRecordsFilesThatWereBegunAreUnwanted) {
    const std::string uuid = begin("a.jpg");
    const PhotoId photo = put(record_of("a.jpg"));
    EXPECT_EQ(catalog.photo(photo).uuid, uuid);
    EXPECT_EQ(unwanted(), files_of(uuid, store));
    begin("a.jpg");  // about to be written again
    EXPECT_TRUE(unwanted().empty());
    EXPECT_EQ(catalog.put_renditions(event, std::vector<PhotoRenditions>{{photo, uuid, "1", both(store)}}),
              1U);
    EXPECT_TRUE(recorded(photo));
    EXPECT_TRUE(unwanted().empty());
}

TEST_F(Renditions, AreForgottenWhenThePhotoLooksDifferent) {
    const PhotoId photo = put("a.jpg");
    const std::string uuid = catalog.photo(photo).uuid;
    put(record_of("a.jpg"));  // read by another model: it looks the same
    EXPECT_TRUE(recorded(photo));
    EXPECT_TRUE(unwanted().empty());

    put(record_of("a.jpg", "2"));
    EXPECT_FALSE(recorded(photo));
    EXPECT_EQ(unwanted(), files_of(uuid, store));

    put("a.jpg", "3");
    EXPECT_TRUE(recorded(photo));
    EXPECT_TRUE(unwanted().empty());

    PhotoRecord broken = record_of("a.jpg", "3");
    broken.failure = "cut short";
    put(broken);
    EXPECT_FALSE(recorded(photo));
    EXPECT_EQ(unwanted(), files_of(uuid, store));
}

// Two runs met: the files of the one that came late belong to nobody.
TEST_F(Renditions, ThatBearAnotherUuidAreUnwanted) {
    const std::string withdrawn = begin("a.jpg");
    catalog.abandon_renditions(source, std::vector<std::string>{"a.jpg"});
    catalog.forget_unwanted_files(unwanted_files());
    PhotoRecord record = record_of("a.jpg");
    record.uuid = withdrawn;
    record.renditions = both(store);
    const PhotoId photo = put(record);
    EXPECT_NE(catalog.photo(photo).uuid, withdrawn);
    EXPECT_FALSE(recorded(photo));
    EXPECT_EQ(unwanted(), files_of(withdrawn, store));
}

TEST_F(Renditions, MadeOfWhatHasChangedSinceAreNotRecorded) {
    const PhotoId photo = put("a.jpg");
    const std::string uuid = begin("a.jpg");
    const PhotoId gone = put("b.jpg");
    const std::string uuid_of_gone = begin("b.jpg");
    put("a.jpg", "2");
    catalog.remove_photos(event, std::vector{gone});
    catalog.forget_unwanted_files(unwanted_files());
    EXPECT_EQ(
        catalog.put_renditions(event, std::vector<PhotoRenditions>{{photo, uuid, "1", both(store)},
                                                                   {gone, uuid_of_gone, "1", both(store)}}),
        0U);
    EXPECT_FALSE(recorded(photo));  // the file may show what the photo was before
    auto expected = files_of(uuid, store);
    expected.merge(files_of(uuid_of_gone, store));
    EXPECT_EQ(unwanted(), expected);
}

TEST_F(Renditions, InAnotherPlaceLeaveTheFirstBehind) {
    const PhotoId photo = put("a.jpg");
    const std::string uuid = begin("c.jpg");  // a run that was killed
    const StoreId first = store;
    store = turn_on("file:///second");
    EXPECT_TRUE(recorded(photo));  // served until the others are made
    EXPECT_TRUE(unwanted().empty());

    EXPECT_EQ(begin("c.jpg"), uuid);
    EXPECT_EQ(unwanted(), files_of(uuid, first));
    catalog.forget_unwanted_files(unwanted_files());

    const std::string uuid_of_photo = begin("a.jpg");
    EXPECT_TRUE(unwanted().empty());
    catalog.put_renditions(event, std::vector<PhotoRenditions>{{photo, uuid_of_photo, "1", both(store)}});
    EXPECT_EQ(catalog.rendition(photo, RenditionKind::preview)->store, store);
    EXPECT_EQ(unwanted(), files_of(uuid_of_photo, first));

    store = turn_on("file:///first");  // and back, before anything was removed there
    begin("a.jpg");
    EXPECT_TRUE(unwanted().empty());
}

TEST_F(Renditions, AreFoundOutdatedByRecipeStoreAndShape) {
    const PhotoId wide = put("a.jpg");
    PhotoRecord high_record = record_of("b.jpg");
    high_record.size = {40, 60};
    high_record.uuid = begin("b.jpg");
    high_record.renditions = both(store, {.thumbnail = "t1", .preview = "u1", .portrait_preview = {}});
    const PhotoId high = put(high_record);
    PhotoRecord failed = record_of("c.jpg");
    failed.failure = "broken";
    put(failed);

    using Outdated = std::map<PhotoId, std::vector<RenditionKind>>;
    const auto outdated = [&](const RenditionRecipes& wanted, bool all = false) {
        Outdated found;
        PhotoId after = 0;
        while (true) {  // one at a time: pages meet without a gap
            const auto page = catalog.outdated_renditions(event, wanted, after, 1, all);
            if (page.empty()) break;
            EXPECT_EQ(page.size(), 1U);
            after = page[0].photo.id;
            found[after] = page[0].kinds;
        }
        if (!all) {
            EXPECT_EQ(catalog.count_outdated_renditions(event, wanted),
                      static_cast<std::int64_t>(found.size()));
        }
        return found;
    };
    const std::vector thumbnail{RenditionKind::thumbnail};
    const std::vector preview{RenditionKind::preview};
    const std::vector everything{RenditionKind::thumbnail, RenditionKind::preview};
    EXPECT_EQ(outdated(recipes), Outdated{});
    EXPECT_EQ(outdated({"t2", "p1", "u1"}), (Outdated{{wide, thumbnail}, {high, thumbnail}}));
    EXPECT_EQ(outdated({"t1", "p2", "u1"}), (Outdated{{wide, preview}}));
    EXPECT_EQ(outdated({"t1", "p1", "u2"}), (Outdated{{high, preview}}));
    EXPECT_EQ(outdated(recipes, true), (Outdated{{wide, everything}, {high, everything}}));
    turn_on("file:///second");
    EXPECT_EQ(outdated(recipes), (Outdated{{wide, everything}, {high, everything}}));
}

TEST_F(Renditions, TurnedOffAreAllUnwanted) {
    const PhotoId photo = put("a.jpg");
    const std::string never_put = begin("b.jpg");
    const std::string late = begin("c.jpg");
    catalog.remove_renditions(event);
    EXPECT_EQ(catalog.renditions(event), std::nullopt);
    EXPECT_FALSE(recorded(photo));
    auto expected = files_of(catalog.photo(photo).uuid, store);
    expected.merge(files_of(never_put, store));
    expected.merge(files_of(late, store));
    EXPECT_EQ(unwanted(), expected);

    PhotoRecord record = record_of("c.jpg");  // of a run that is still going on
    record.uuid = late;
    record.renditions = both(store);
    EXPECT_FALSE(recorded(put(record)));
    catalog.remove_renditions(event);
    EXPECT_EQ(unwanted(), expected);
}

TEST_F(Renditions, OfADeletedEventAreStillToBeRemoved) {
    const std::string uuid = catalog.photo(put("a.jpg")).uuid;
    const std::string never_put = begin("b.jpg");
    const EventId kept = catalog.create_event({.name = "Other"});
    catalog.delete_event(event);
    auto expected = files_of(uuid, store);
    expected.merge(files_of(never_put, store));
    EXPECT_EQ(unwanted(), expected);
    EXPECT_EQ(catalog.event(kept).settings.name, "Other");
}

TEST_F(Renditions, StayWithAPhotoThatMoves) {
    const PhotoId photo = put("a.jpg");
    const std::string uuid = begin("a.jpg");  // a run that was killed
    catalog.move_objects(source, std::vector<MovedObject>{{"a.jpg", "b.jpg"}});
    EXPECT_EQ(catalog.photo(photo).key, "b.jpg");
    EXPECT_TRUE(catalog.begun_renditions(source).empty());
    const PhotoId other = put("a.jpg");
    EXPECT_NE(catalog.photo(other).uuid, uuid);
    EXPECT_TRUE(recorded(photo));
    EXPECT_TRUE(recorded(other));
    EXPECT_TRUE(unwanted().empty());
}

}  // namespace
}  // namespace eventlens
