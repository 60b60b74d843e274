#include <gtest/gtest.h>

#include <map>

#include "../format_files.h"
#include "eventlens/error.h"
#include "eventlens/image.h"

// libx265, which writes the HEIC files of these tests, keeps some tables until the process ends.
extern "C" const char* __lsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier): its given name
extern "C" const char* __lsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier)
    return "leak:libx265\n";
}

namespace eventlens {
namespace {

using namespace eventlens::testing;

TEST(ColourProfile, ComesOutOfEveryFormatAsItWentIn) {
    const Image picture = corner_picture({64, 64});
    const Bytes profile = colour_profile("RGB ", 600);
    std::map<std::string, Bytes> files{
        {"jpeg", encode_jpeg(picture.view(), 90, profile)},
        {"jpeg with exif",
         with_exif(encode_jpeg(picture.view(), 90, profile), exif_block({.orientation = 6}))},
        {"png", png_file(picture.size(), samples_of(picture), {.profile = profile})},
        {"webp", webp_with_profile(picture, profile)},
        {"tiff", tiff_file({.size = picture.size(), .profile = profile}, samples_of(picture))},
    };
    if (can_write_heic()) files["heic"] = heic_file(picture, 1, {}, profile);
    for (const auto& [name, file] : files) {
        const DecodedPhoto photo = decode_photo(file);
        EXPECT_EQ(photo.colour_profile, profile) << name;
        EXPECT_EQ(photo.image.size(), (Size{64, 64})) << name;
    }
}

TEST(ColourProfile, IsAbsentWhereThereIsNone) {
    const Image picture = corner_picture({64, 64});
    EXPECT_TRUE(decode_photo(encode_jpeg(picture.view())).colour_profile.empty());
    EXPECT_TRUE(decode_photo(encode_png(picture.view())).colour_profile.empty());
    EXPECT_TRUE(decode_photo(webp_file(picture)).colour_profile.empty());
    EXPECT_TRUE(
        decode_photo(tiff_file({.size = picture.size()}, samples_of(picture))).colour_profile.empty());
    if (can_write_heic()) {
        EXPECT_TRUE(decode_photo(heic_file(picture)).colour_profile.empty());
    }
}

TEST(ColourProfile, OfOtherPixelsThanOursIsLeftOut) {
    const Image picture = corner_picture({16, 16});
    for (const std::string_view space : {"CMYK", "GRAY", "Lab "}) {
        const Bytes file = encode_jpeg(picture.view(), 90, colour_profile(space, 600));
        EXPECT_TRUE(decode_photo(file).colour_profile.empty()) << space;
    }
    const Bytes profile = colour_profile("CMYK", 600);
    const TiffKind printed{
        .size = {1, 1}, .samples = 4, .photometric = PHOTOMETRIC_SEPARATED, .profile = profile};
    EXPECT_TRUE(decode_photo(tiff_file(printed, {51, 153, 0, 51})).colour_profile.empty());
}

TEST(ColourProfile, ThatIsNoneIsLeftOut) {
    const Image picture = corner_picture({16, 16});
    const auto left_out = [&](const Bytes& profile) {
        return decode_photo(encode_jpeg(picture.view(), 90, profile)).colour_profile.empty();
    };
    const Bytes sound = colour_profile("RGB ", 600);
    EXPECT_FALSE(left_out(sound));
    EXPECT_TRUE(left_out(bytes_of("not a profile")));
    EXPECT_TRUE(left_out(Bytes(600)));
    EXPECT_TRUE(left_out({sound.begin(), sound.begin() + 300}));  // cut short
    Bytes unsigned_profile = sound;
    unsigned_profile[36] = std::byte{'x'};
    EXPECT_TRUE(left_out(unsigned_profile));
    EXPECT_TRUE(left_out(colour_profile("RGB ", (1 << 20) + 4)));
}

// A marker holds 64 kB: larger profiles stand in several.
TEST(ColourProfile, FitsIntoAJpegInPieces) {
    const Image picture = corner_picture({16, 16});
    const Bytes large = colour_profile("RGB ", 200'000);
    EXPECT_EQ(decode_photo(encode_jpeg(picture.view(), 90, large)).colour_profile, large);

    Bytes file = encode_jpeg(picture.view(), 90, large);
    const Bytes name = bytes_of(std::string_view("ICC_PROFILE\0", 12));
    const auto second = std::search(std::search(file.begin(), file.end(), name.begin(), name.end()) + 12,
                                    file.end(), name.begin(), name.end());
    ASSERT_NE(second, file.end());
    *second = std::byte{'X'};  // a piece is lost: the photo is not
    const DecodedPhoto photo = decode_photo(file);
    EXPECT_TRUE(photo.colour_profile.empty());
    EXPECT_EQ(photo.image.size(), picture.size());

    EXPECT_THROW(encode_jpeg(picture.view(), 90, Bytes(17 << 20)), Error);
}

TEST(SizeWithin, ShrinksAndNeverGrows) {
    EXPECT_EQ(size_within({6000, 4000}, 2048), (Size{2048, 1365}));
    EXPECT_EQ(size_within({4000, 6000}, 2048), (Size{1365, 2048}));
    EXPECT_EQ(size_within({2048, 2048}, 2048), (Size{2048, 2048}));
    EXPECT_EQ(size_within({640, 480}, 2048), (Size{640, 480}));
    EXPECT_EQ(size_within({10'000, 3}, 100), (Size{100, 1}));
}

}  // namespace
}  // namespace eventlens
