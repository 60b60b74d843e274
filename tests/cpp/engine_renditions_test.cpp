#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <thread>

#include "catalog_fixture.h"
#include "eventlens/engine.h"
#include "format_files.h"
#include "test_models.h"

// libx265, which writes the HEIC files of these tests, keeps some tables until the process ends.
extern "C" const char* __lsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier): its given name
extern "C" const char* __lsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier)
    return "leak:libx265\n";
}

namespace eventlens {
namespace {

using namespace eventlens::testing;

namespace fs = std::filesystem;

using Colour = std::array<int, 3>;

Image plain(Size size, const Colour& colour) {
    Image image(size, PixelFormat::rgb8);
    for (std::size_t i = 0; i < image.pixels().size(); ++i)
        image.pixels()[i] = static_cast<std::uint8_t>(colour.at(i % 3));
    return image;
}

Colour colour_at(const Image& image, int x, int y) {
    const std::uint8_t* pixel = image.view().pixels + y * image.view().row_bytes + x * 3;
    return {pixel[0], pixel[1], pixel[2]};
}

Bytes read_file(const fs::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return bytes_of(std::string{std::istreambuf_iterator<char>(stream), {}});
}

void write_file(const fs::path& path, const Bytes& bytes) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

// Artwork of one colour; opaque.
Bytes artwork(const Colour& colour, Size size = {200, 100}) {
    return encode_png(plain(size, colour).view());
}

class EngineRenditions : public CatalogTest {
  protected:
    EngineRenditions() {
        fs::create_directories(photos());
        reopen({});
        event = engine->create_event({.name = "Race"});
        const auto opened = open_source(photos().string());
        source = engine->catalog().add_source(event, opened->uri(), opened->access());
    }

    void reopen(const EngineOptions& options) { engine.emplace(Engine::open(workspace(), options)); }

    fs::path photos() const { return folder / "photos"; }
    fs::path own() const { return workspace() / "renditions"; }

    // A photo that was indexed, as far as the catalog knows.
    PhotoInfo add(const std::string& key, const Bytes& file) {
        write_file(photos() / key, file);
        PhotoRecord record;
        record.key = key;
        record.fingerprint = "1";
        record.size = decode_photo(file).full_size;
        return engine->catalog().photo(
            engine->catalog().put_batch(source, made_by, std::vector{record}).at(0));
    }

    RenditionReport make(const RenditionOptions& options = {.workers = 2}) {
        return engine->make_renditions(event, options);
    }

    Bytes jpeg(const PhotoInfo& photo, RenditionKind kind) { return engine->rendition_bytes(photo.id, kind); }
    Image preview(const PhotoInfo& photo) { return decode_image(jpeg(photo, RenditionKind::preview)); }
    Image thumbnail(const PhotoInfo& photo) { return decode_image(jpeg(photo, RenditionKind::thumbnail)); }

    // Keys of the files below a folder, without the hidden parts that a write leaves that is killed.
    static std::set<std::string> files_in(const fs::path& where) {
        std::set<std::string> keys;
        if (!fs::exists(where)) return keys;
        for (const auto& entry : fs::recursive_directory_iterator(where)) {
            if (entry.is_regular_file() && !entry.path().filename().string().starts_with('.'))
                keys.insert(entry.path().lexically_relative(where).string());
        }
        return keys;
    }

    // Keys of the renditions that are recorded; each has its file, of the size that was recorded.
    std::set<std::string> recorded() {
        std::set<std::string> keys;
        engine->visit_photos(event, [&](Engine::PhotoDetails&& details) {
            for (const RenditionKind kind : rendition_kinds) {
                const auto rendition = engine->catalog().rendition(details.photo.id, kind);
                if (!rendition) continue;
                const auto bytes = engine->rendition_bytes(details.photo.id, kind);
                EXPECT_EQ(static_cast<std::int64_t>(bytes.size()), rendition->bytes);
                EXPECT_EQ(decode_image(bytes).size(), rendition->size);
                keys.insert(engine->rendition_file(details.photo.id, kind).key);
            }
        });
        return keys;
    }

    std::optional<Engine> engine;
    EventId event = 0;
    SourceId source = 0;
};

TEST_F(EngineRenditions, ShowWhatTheOriginalShows) {
    const Image upright = corner_picture({2000, 3000});
    const Bytes profile = colour_profile("RGB ", 600);
    const Bytes file = with_exif(encode_jpeg(as_stored(upright, 6).view(), 95, profile),
                                 exif_block({.orientation = 6, .make = "Maker", .serial = "SERIAL"}));
    const PhotoInfo photo = add("day 1/high.jpg", file);
    engine->set_renditions(event, {});
    const RenditionReport report = make();
    EXPECT_EQ(report.made, 1);
    EXPECT_TRUE(report.failed.empty());

    const std::map<RenditionKind, Size> sizes{{RenditionKind::preview, {1365, 2048}},
                                              {RenditionKind::thumbnail, {267, 400}}};
    std::int64_t bytes_of_both = 0;
    for (const auto& [kind, size] : sizes) {
        const Bytes made = jpeg(photo, kind);
        bytes_of_both += static_cast<std::int64_t>(made.size());
        const DecodedPhoto decoded = decode_photo(made);
        EXPECT_EQ(decoded.image.size(), size);
        EXPECT_EQ(decoded.metadata.orientation, 1);
        EXPECT_EQ(decoded.colour_profile, profile);
        EXPECT_LT(difference(decoded.image, resize_image(upright.view(), size)), 1.5);
        for (const std::string_view trace : {"Exif", "Maker", "SERIAL"}) {
            const Bytes wanted = bytes_of(trace);
            EXPECT_EQ(std::search(made.begin(), made.end(), wanted.begin(), wanted.end()), made.end())
                << trace;
        }
        EXPECT_EQ(engine->catalog().rendition(photo.id, kind)->size, size);
        EXPECT_EQ(engine->rendition_file(photo.id, kind).key, rendition_key(event, photo.uuid, kind));
        EXPECT_EQ(engine->rendition_link(photo.id, kind),
                  "file://" + (fs::canonical(own()) / rendition_key(event, photo.uuid, kind)).string());
        EXPECT_EQ(read_file(own() / rendition_key(event, photo.uuid, kind)), made);
    }
    EXPECT_EQ(report.bytes, bytes_of_both);
    EXPECT_EQ(read_file(photos() / "day 1/high.jpg"), file);
}

TEST_F(EngineRenditions, AreNeverLargerThanTheOriginal) {
    const Image picture = corner_picture({300, 200});
    const PhotoInfo small = add("small.png", encode_png(picture.view()));
    const PhotoInfo between = add("between.jpg", encode_jpeg(corner_picture({1000, 500}).view(), 95));
    const PhotoInfo tiny = add("tiny.jpg", encode_jpeg(corner_picture({1, 1}).view(), 95));
    engine->set_renditions(event, {});
    make();
    EXPECT_LT(difference(preview(small), picture), 2);
    EXPECT_EQ(thumbnail(small).size(), (Size{300, 200}));
    EXPECT_EQ(preview(between).size(), (Size{1000, 500}));
    EXPECT_EQ(thumbnail(between).size(), (Size{400, 200}));
    EXPECT_EQ(preview(tiny).size(), (Size{1, 1}));
}

TEST_F(EngineRenditions, ComeFromEveryKindOfPhoto) {
    std::vector<std::uint8_t> cmyk;  // cyan 20 %, magenta 60 %, no yellow, black 20 %, inverted as Adobe does
    std::vector<std::uint8_t> half_white;  // 0, 100, 200 behind 20 % of alpha
    std::vector<std::uint8_t> sixteen_bits;
    for (int i = 0; i < 64 * 48; ++i) {
        cmyk.insert(cmyk.end(), {204, 102, 255, 204});
        half_white.insert(half_white.end(), {0, 100, 200, 51});
        sixteen_bits.insert(sixteen_bits.end(), {10, 10, 120, 120, 230, 230});
    }
    const Size size{64, 48};
    const Bytes profile = colour_profile("RGB ", 400);
    Image grey(size, PixelFormat::gray8);
    std::ranges::fill(grey.pixels(), std::uint8_t{99});
    std::map<std::string, std::pair<Bytes, Colour>> files{
        {"cmyk.jpg", {cmyk_jpeg(size, cmyk, true, false), {163, 82, 204}}},
        {"grey.jpg", {encode_jpeg(grey.view(), 95), {99, 99, 99}}},
        {"alpha.png", {png_file(size, half_white, {.colour_type = PNG_COLOR_TYPE_RGBA}), {204, 224, 244}}},
        {"deep.png", {png_file(size, sixteen_bits, {.bit_depth = 16, .profile = profile}), {10, 120, 230}}},
        {"plain.webp", {webp_with_profile(plain(size, {200, 30, 90}), profile), {200, 30, 90}}},
        {"plain.tif",
         {tiff_file({.size = size, .orientation = 6, .profile = profile},
                    samples_of(plain(size, {7, 200, 90}))),
          {7, 200, 90}}},
    };
    if (can_write_heic())
        files["plain.heic"] = {heic_file(plain(size, {120, 60, 30}), 1, {}, profile), {120, 60, 30}};
    std::map<std::string, PhotoInfo> added;
    for (const auto& [key, file] : files) added[key] = add(key, file.first);
    engine->set_renditions(event, {});
    EXPECT_TRUE(make().failed.empty());
    for (const auto& [key, photo] : added) {
        for (const RenditionKind kind : rendition_kinds) {
            const DecodedPhoto made = decode_photo(jpeg(photo, kind));
            EXPECT_EQ(made.image.size(), key == "plain.tif" ? (Size{48, 64}) : size) << key;
            for (std::size_t c = 0; c < 3; ++c)
                EXPECT_NEAR(colour_at(made.image, 20, 20).at(c), files[key].second.at(c), 5) << key;
            EXPECT_EQ(made.colour_profile, decode_photo(files[key].first).colour_profile) << key;
        }
    }
}

TEST_F(EngineRenditions, PreviewsBearTheArtworkOfTheirShape) {
    const PhotoInfo wide = add("wide.jpg", encode_jpeg(plain({900, 600}, {100, 100, 100}).view(), 95));
    const PhotoInfo high =
        add("high.jpg", with_exif(encode_jpeg(plain({900, 600}, {100, 100, 100}).view(), 95),
                                  exif_block({.orientation = 8})));
    engine->set_renditions(
        event, {.quality = 95,
                .artwork = artwork({255, 0, 0}),
                .artwork_portrait = artwork({0, 0, 255}, {100, 200}),
                .layout = {.place = Place::top_left, .width = 0.5, .margin = 0.1, .opacity = 0.6}});
    make();
    // 60 pixels from the edges; half the width; 40 % of the photo shows through.
    const Image with_red = preview(wide);
    EXPECT_EQ(with_red.size(), (Size{900, 600}));
    EXPECT_NEAR(colour_at(with_red, 285, 172)[0], 193, 4);
    EXPECT_NEAR(colour_at(with_red, 285, 172)[1], 40, 4);
    const auto marked = [&](int x, int y) { return colour_at(with_red, x, y)[0] > 146; };
    for (const int x : {62, 300, 507}) EXPECT_TRUE(marked(x, 100)) << x;
    for (const int x : {57, 512}) EXPECT_FALSE(marked(x, 100)) << x;
    for (const int y : {62, 282}) EXPECT_TRUE(marked(300, y)) << y;
    for (const int y : {57, 287}) EXPECT_FALSE(marked(300, y)) << y;

    const Image with_blue = preview(high);
    EXPECT_EQ(with_blue.size(), (Size{600, 900}));
    EXPECT_NEAR(colour_at(with_blue, 210, 360)[2], 193, 4);
    EXPECT_NEAR(colour_at(with_blue, 210, 360)[0], 40, 4);
    EXPECT_GT(colour_at(with_blue, 357, 657)[2], 146);
    EXPECT_LT(colour_at(with_blue, 363, 663)[2], 146);

    for (const PhotoInfo& photo : {wide, high})
        EXPECT_LT(difference(thumbnail(photo), plain(thumbnail(photo).size(), {100, 100, 100})), 1);

    engine->set_renditions(event, {.artwork = artwork({0, 255, 0}), .layout = {.width = 0.5, .opacity = 1}});
    make();
    EXPECT_GT(colour_at(preview(high), 500, 850)[1], 240);  // one artwork for both
}

TEST_F(EngineRenditions, OnlyWhatIsOutdatedIsMadeAgain) {
    const PhotoInfo wide = add("wide.jpg", encode_jpeg(corner_picture({900, 600}).view()));
    const PhotoInfo high = add("high.jpg", encode_jpeg(corner_picture({600, 900}).view()));
    RenditionSettings settings{.artwork = artwork({255, 0, 0})};
    engine->set_renditions(event, settings);
    EXPECT_EQ(make().made, 2);

    using Inodes = std::map<std::string, ino_t>;  // a file that is written again is another
    const auto inodes = [&] {
        Inodes all;
        for (const std::string& key : files_in(own())) {
            struct stat status {};
            EXPECT_EQ(stat((own() / key).c_str(), &status), 0);
            all[key] = status.st_ino;
        }
        return all;
    };
    const auto changed = [&](const Inodes& before) {
        std::set<std::string> keys;
        for (const auto& [key, inode] : inodes()) {
            if (!before.contains(key) || before.at(key) != inode) keys.insert(key);
        }
        return keys;
    };
    const auto key = [&](const PhotoInfo& photo, RenditionKind kind) {
        return rendition_key(event, photo.uuid, kind);
    };
    Inodes before = inodes();
    const RenditionReport nothing = make();
    EXPECT_EQ(nothing.made, 0);
    EXPECT_EQ(nothing.unchanged, 2);
    EXPECT_TRUE(changed(before).empty());

    settings.artwork_portrait = artwork({0, 0, 255});
    engine->set_renditions(event, settings);
    EXPECT_EQ(make().made, 1);
    EXPECT_EQ(changed(before), (std::set{key(high, RenditionKind::preview)}));

    before = inodes();
    settings.layout.opacity = 0.7;
    engine->set_renditions(event, settings);
    EXPECT_EQ(make().made, 2);
    EXPECT_EQ(changed(before),
              (std::set{key(high, RenditionKind::preview), key(wide, RenditionKind::preview)}));

    before = inodes();
    settings.thumbnail_side = 200;
    engine->set_renditions(event, settings);
    EXPECT_EQ(make().made, 2);
    EXPECT_EQ(changed(before),
              (std::set{key(high, RenditionKind::thumbnail), key(wide, RenditionKind::thumbnail)}));
    EXPECT_EQ(thumbnail(wide).size(), (Size{200, 133}));

    before = inodes();
    EXPECT_EQ(make({.workers = 1, .all = true}).made, 2);
    EXPECT_EQ(changed(before).size(), 4U);

    const PhotoInfo late = add("late.jpg", encode_jpeg(corner_picture({300, 200}).view()));
    before = inodes();
    EXPECT_EQ(make().made, 1);
    EXPECT_EQ(changed(before),
              (std::set{key(late, RenditionKind::thumbnail), key(late, RenditionKind::preview)}));
}

TEST_F(EngineRenditions, MoveToAnotherPlace) {
    const PhotoInfo photo = add("a.jpg", encode_jpeg(corner_picture({300, 200}).view()));
    engine->set_renditions(event, {});
    make();
    const auto keys = recorded();
    EXPECT_EQ(files_in(own()), keys);

    engine->set_renditions(event, {}, (folder / "public pictures").string());
    EXPECT_EQ(preview(photo).size(), (Size{300, 200}));  // served from the old place for now
    EXPECT_TRUE(make().files_left.empty());
    EXPECT_EQ(files_in(own()), std::set<std::string>{});
    EXPECT_EQ(files_in(folder / "public pictures"), keys);
    EXPECT_EQ(recorded(), keys);
    EXPECT_NE(engine->rendition_link(photo.id, RenditionKind::thumbnail).find("/public%20pictures/imgs/"),
              std::string::npos);

    EXPECT_TRUE(engine->remove_renditions(event).empty());
    EXPECT_EQ(files_in(folder / "public pictures"), std::set<std::string>{});
    EXPECT_EQ(code_of([&] { (void)preview(photo); }), ErrorCode::not_found);
    EXPECT_EQ(code_of([&] { make(); }), ErrorCode::bad_input);
}

TEST_F(EngineRenditions, LeaveWithTheirPhoto) {
    const PhotoInfo gone = add("gone.jpg", encode_jpeg(corner_picture({300, 200}).view()));
    add("stays.jpg", encode_jpeg(corner_picture({300, 200}).view()));
    engine->set_renditions(event, {});
    make();
    EXPECT_EQ(files_in(own()).size(), 4U);
    engine->catalog().remove_photos(event, std::vector{gone.id});
    make();
    EXPECT_EQ(files_in(own()), recorded());
    EXPECT_EQ(files_in(own()).size(), 2U);

    const EventId purged = engine->create_event({.name = "Purged"});
    event = purged;
    const auto opened = open_source(photos().string());
    source = engine->catalog().add_source(event, opened->uri());
    add("gone.jpg", encode_jpeg(corner_picture({300, 200}).view()));
    engine->set_renditions(event, {});
    make();
    EXPECT_EQ(files_in(own()).size(), 4U);
    const fs::path of_purged = own() / "imgs" / std::to_string(purged);
    write_file(of_purged / "large" / ".eventlens-half-done.part", bytes_of("some of a picture"));
    engine->purge_event(purged);
    EXPECT_FALSE(fs::exists(of_purged));
    EXPECT_EQ(files_in(own()).size(), 2U);
    EXPECT_TRUE(engine->delete_event(*engine->catalog().find_event("Race")).empty());
    EXPECT_EQ(files_in(own()).size(), 0U);
    EXPECT_EQ(files_in(photos()).size(), 2U);
}

TEST_F(EngineRenditions, APurgeTakesWhatAKilledWriteLeftInTheOrganisersFolder) {
    add("a.jpg", encode_jpeg(corner_picture({300, 200}).view()));
    const fs::path place = folder / "pictures";
    engine->set_renditions(event, {}, place.string());
    make();
    const fs::path part = "large/.eventlens-4b2a.part";
    const fs::path of_event = place / "imgs" / std::to_string(event);
    const fs::path of_other = place / "imgs" / std::to_string(event + 1);
    for (const fs::path& mine : {of_event / part, of_other / part, of_event / "large" / "notes.txt"})
        write_file(mine, bytes_of("some of a picture"));
    engine->purge_event(event);
    EXPECT_FALSE(fs::exists(of_event / part));
    EXPECT_TRUE(fs::exists(of_other / part));
    EXPECT_TRUE(fs::exists(of_event / "large" / "notes.txt"));
}

TEST_F(EngineRenditions, AStoreThatFailsIsTriedAgain) {
    const PhotoInfo photo = add("a.jpg", encode_jpeg(corner_picture({300, 200}).view()));
    const fs::path place = folder / "pictures";
    engine->set_renditions(event, {}, place.string());
    make();
    engine->catalog().remove_photos(event, std::vector{photo.id});
    add("b.jpg", encode_jpeg(corner_picture({300, 200}).view()));
    fs::rename(place, folder / "elsewhere");
    write_file(place, bytes_of("no folder"));
    const RenditionReport failed = make();
    EXPECT_EQ(failed.made, 0);
    ASSERT_EQ(failed.failed.size(), 1U);
    EXPECT_EQ(failed.failed[0].key, "b.jpg");
    EXPECT_NE(failed.failed[0].reason.find("not a folder"), std::string::npos) << failed.failed[0].reason;
    ASSERT_EQ(failed.files_left.size(), 1U);
    EXPECT_NE(failed.files_left[0].key.find(photo.uuid), std::string::npos);

    fs::remove(place);
    fs::rename(folder / "elsewhere", place);
    const RenditionReport later = make();
    EXPECT_EQ(later.made, 1);
    EXPECT_TRUE(later.files_left.empty());
    EXPECT_EQ(files_in(place), recorded());
}

TEST_F(EngineRenditions, APhotoThatFailsIsNamedAndTheRunGoesOn) {
    add("a.jpg", encode_jpeg(corner_picture({300, 200}).view()));
    add("b.jpg", encode_jpeg(corner_picture({300, 200}).view()));
    add("c.jpg", encode_jpeg(corner_picture({300, 200}).view()));
    fs::remove(photos() / "a.jpg");
    write_file(photos() / "b.jpg", bytes_of("no photo"));
    engine->set_renditions(event, {});
    std::vector<RenditionProgress> told;
    RenditionReport report = make({.progress = [&](const RenditionProgress& now) { told.push_back(now); }});
    EXPECT_EQ(report.made, 1);
    std::set<std::string> failed;
    for (const IndexFailure& failure : report.failed) failed.insert(failure.key);
    EXPECT_EQ(failed, (std::set<std::string>{"a.jpg", "b.jpg"}));
    EXPECT_EQ(told.front().total, 3);
    EXPECT_EQ(told.back().done, 3);
    EXPECT_EQ(told.back().failed, 2);
    EXPECT_EQ(engine->catalog().counts(event).failed, 0);  // the photos themselves are as they were
}

TEST_F(EngineRenditions, WhatProgressThrowsKeepsWhatIsDone) {
    for (int i = 0; i < 12; ++i)
        add("photo" + std::to_string(i) + ".jpg", encode_jpeg(corner_picture({300, 200}).view()));
    engine->set_renditions(event, {});
    struct Stop {};
    int told = 0;
    EXPECT_THROW(make({.workers = 1,
                       .progress =
                           [&](const RenditionProgress&) {
                               if (++told == 2) throw Stop{};
                           }}),
                 Stop);
    const auto kept = static_cast<std::int64_t>(recorded().size() / 2);
    const RenditionReport rest = make();
    EXPECT_EQ(rest.unchanged, kept);
    EXPECT_EQ(rest.made, 12 - kept);
    EXPECT_EQ(files_in(own()), recorded());
}

TEST_F(EngineRenditions, TwoRunsAtOnceAgree) {
    for (int i = 0; i < 16; ++i)
        add("photo" + std::to_string(i) + ".jpg", encode_jpeg(corner_picture({300, 200}).view()));
    engine->set_renditions(event, {.artwork = artwork({255, 0, 0})});
    std::vector<std::thread> runs;
    for (int i = 0; i < 2; ++i) runs.emplace_back([&] { EXPECT_TRUE(make().failed.empty()); });
    for (std::thread& run : runs) run.join();
    EXPECT_EQ(recorded().size(), 32U);
    EXPECT_EQ(files_in(own()), recorded());
    EXPECT_EQ(make().made, 0);
}

// Signing asks nothing of a bucket.
TEST_F(EngineRenditions, HavePresignedLinksInABucket) {
    EngineOptions options;
    options.storage.access_key = "AKIDEXAMPLE";
    options.storage.secret_key = "secret";
    reopen(options);
    const std::string bucket = "s3://pictures/race/?region=eu-central-1";
    const auto opened = open_source(bucket, options.storage);
    source = engine->catalog().add_source(event, opened->uri(), opened->access());
    engine->set_renditions(event, {}, bucket);
    PhotoRecord record;
    record.key = "day 1/a.jpg";
    record.fingerprint = "1";
    record.size = {300, 200};
    const StoreId store = engine->catalog().renditions(event)->store;
    record.uuid = engine->catalog().begin_renditions(source, store, std::vector{record.key}).at(0);
    record.renditions = {{.kind = RenditionKind::thumbnail, .store = store, .size = {300, 200}}};
    const PhotoId photo = engine->catalog().put_batch(source, made_by, std::vector{record}).at(0);

    const std::string original = engine->original_link(photo, {.lasts = std::chrono::seconds(90)});
    for (const char* part : {"https://", "/race/day%201/a.jpg?", "X-Amz-Expires=90", "X-Amz-Signature="})
        EXPECT_NE(original.find(part), std::string::npos) << part << " in " << original;
    const std::string small = engine->rendition_link(photo, RenditionKind::thumbnail);
    EXPECT_NE(small.find("/race/" + rendition_key(event, record.uuid, RenditionKind::thumbnail) + "?"),
              std::string::npos)
        << small;
    EXPECT_EQ(small.find("secret"), std::string::npos);
    EXPECT_EQ(code_of([&] { (void)engine->rendition_link(photo, RenditionKind::preview); }),
              ErrorCode::not_found);
}

TEST_F(EngineRenditions, OriginalsInAFolderHaveNoLink) {
    const PhotoInfo photo = add("a.jpg", encode_jpeg(corner_picture({30, 20}).view()));
    EXPECT_EQ(code_of([&] { (void)engine->original_link(photo.id); }), ErrorCode::unsupported);
}

TEST_F(EngineRenditions, SettingsThatCannotBeAreRefused) {
    const auto refused = [&](const RenditionSettings& settings, const std::string& location = {}) {
        return code_of([&] { engine->set_renditions(event, settings, location); });
    };
    EXPECT_EQ(refused({.artwork = bytes_of("no picture")}), ErrorCode::unsupported);
    EXPECT_EQ(refused({.artwork_portrait = {std::byte{1}}}), ErrorCode::unsupported);
    EXPECT_EQ(refused({.artwork = artwork({1, 2, 3}), .layout = {.opacity = 2}}), ErrorCode::bad_input);
    EXPECT_EQ(refused({.quality = 101}), ErrorCode::bad_input);
    EXPECT_EQ(refused({}, "ftp://somewhere"), ErrorCode::bad_input);
    write_file(folder / "file", bytes_of("x"));
    EXPECT_EQ(refused({}, (folder / "file").string()), ErrorCode::bad_input);
    EXPECT_FALSE(engine->catalog().renditions(event).has_value());
}

// Runs `work` in a process of its own and kills that after a while.
void run_and_kill(std::chrono::milliseconds after, const std::function<void()>& work) {
    const pid_t child = in_child([&] {
        work();
        return 0;
    });
    std::this_thread::sleep_for(after);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
}

// However a run ends: no record without its file, and after the next run no file without a record.
TEST_F(EngineRenditions, AKilledRunLeavesNoRecordWithoutAFile) {
    for (int i = 0; i < 40; ++i)
        add("photo" + std::to_string(i) + ".jpg", encode_jpeg(corner_picture({700, 500}).view()));
    engine->set_renditions(event, {}, (folder / "first").string());
    engine.reset();
    std::mt19937 random(7);
    std::uniform_int_distribution<int> milliseconds(20, 250);
    for (int round = 0; round < 12; ++round) {
        run_and_kill(std::chrono::milliseconds(milliseconds(random)), [&] {
            Engine::open(workspace()).make_renditions(event, {.workers = 2, .all = round % 3 == 2});
        });
        reopen({});
        recorded();  // looks for each file
        if (round == 5) engine->set_renditions(event, {.quality = 70}, (folder / "second").string());
        engine.reset();
    }
    reopen({});
    EXPECT_TRUE(make().failed.empty());
    EXPECT_EQ(recorded().size(), 80U);
    EXPECT_EQ(files_in(folder / "second"), recorded());
    EXPECT_EQ(files_in(folder / "first"), std::set<std::string>{});
}

// Indexing, with the networks.
class IndexedRenditions : public EngineRenditions {
  protected:
    void SetUp() override { SKIP_WITHOUT_MODELS(); }

    static EngineOptions with_models() {
        EngineOptions options;
        options.manifests = {*fetched_manifest()};
        options.runtime.threads = 2;
        return options;
    }

    void write_photos(int count) const {
        for (int i = 0; i < count; ++i)
            write_file(photos() / ("photo" + std::to_string(i) + ".jpg"),
                       encode_jpeg(corner_picture({400 + i, 300}).view()));
    }

    IndexReport index() { return engine->index(event, photos().string()); }
};

TEST_F(IndexedRenditions, AreMadeOfWhatIndexingReads) {
    reopen(with_models());
    write_photos(3);
    write_file(photos() / "broken.jpg", bytes_of("no photo"));
    EXPECT_EQ(index().renditions, 0);
    EXPECT_TRUE(recorded().empty());

    // What is unchanged is not read again, and the report says that something is lacking.
    engine->set_renditions(event, {});
    const IndexReport unchanged = index();
    EXPECT_EQ(unchanged.renditions, 0);
    EXPECT_EQ(unchanged.renditions_outdated, 3);
    EXPECT_EQ(make().made, 3);

    write_photos(5);
    const Bytes changed = encode_jpeg(corner_picture({200, 300}).view());
    write_file(photos() / "photo0.jpg", changed);
    fs::remove(photos() / "photo1.jpg");
    const IndexReport report = index();
    EXPECT_EQ(report.renditions, 3 + 1 - 1 + 1);  // photo1 to photo3 have a new time, photo4 is new ...
    EXPECT_EQ(report.removed, 1);
    EXPECT_EQ(report.renditions_outdated, 0);
    EXPECT_TRUE(report.renditions_failed.empty());
    EXPECT_TRUE(report.files_left.empty());
    EXPECT_EQ(recorded().size(), 8U);
    EXPECT_EQ(files_in(own()), recorded());
    const auto photo = engine->catalog().find_photo_by_key(source, "photo0.jpg").value();
    EXPECT_EQ(preview(photo).size(), (Size{200, 300}));
    EXPECT_EQ(read_file(photos() / "photo0.jpg"), changed);
    EXPECT_EQ(make().made, 0);
}

TEST_F(IndexedRenditions, AFailingStoreCostsAPhotoNothingElse) {
    reopen(with_models());
    write_photos(2);
    const fs::path place = folder / "pictures";
    engine->set_renditions(event, {}, place.string());
    fs::remove(place);
    write_file(place, bytes_of("no folder"));
    const IndexReport report = index();
    EXPECT_EQ(report.added, 2);
    EXPECT_TRUE(report.failed.empty());
    EXPECT_EQ(engine->catalog().counts(event).processed, 2);
    EXPECT_EQ(report.renditions, 0);
    EXPECT_EQ(report.renditions_failed.size(), 2U);
    EXPECT_EQ(report.renditions_outdated, 2);
    EXPECT_NE(report.renditions_failed.at(0).reason.find("not a folder"), std::string::npos);
    fs::remove(place);
    EXPECT_EQ(make().made, 2);
    EXPECT_EQ(files_in(place), recorded());
}

TEST_F(IndexedRenditions, InsideOfTheSourceAreNotTakenForPhotos) {
    reopen(with_models());
    write_photos(2);
    const std::string key = "pictures/imgs/7/small/holiday.jpg";  // is no rendition
    write_file(photos() / key, encode_jpeg(corner_picture({90, 60}).view()));
    engine->set_renditions(event, {}, (photos() / "pictures").string());
    EXPECT_EQ(index().added, 3);
    const IndexReport again = index();
    EXPECT_EQ(again.added, 0);
    EXPECT_EQ(again.unchanged, 3);
    EXPECT_EQ(recorded().size(), 6U);

    const EventId other = engine->create_event({.name = "Other"});
    EXPECT_EQ(engine->index(other, photos().string()).added, 3);
}

TEST_F(IndexedRenditions, SurviveRunsThatAreKilled) {
    write_photos(12);
    engine->set_renditions(event, {});
    engine.reset();
    std::mt19937 random(11);
    for (int round = 0; round < 5; ++round) {
        // Loading the networks takes most of a second; 12 photos as much again.
        std::uniform_int_distribution<int> milliseconds(300, 1500);
        run_and_kill(std::chrono::milliseconds(milliseconds(random)),
                     [&] { Engine::open(workspace(), with_models()).index(event, photos().string()); });
        if (round == 3) fs::remove(photos() / "photo7.jpg");
        reopen({});
        recorded();
        engine.reset();
    }
    reopen(with_models());
    index();
    EXPECT_EQ(engine->catalog().counts(event).processed, 11);
    EXPECT_EQ(recorded().size(), 22U);
    EXPECT_EQ(files_in(own()), recorded());
}

}  // namespace
}  // namespace eventlens
