#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace eventlens {

struct Size {
    int width = 0;
    int height = 0;
    bool operator==(const Size&) const = default;
};

struct Point {
    float x = 0;
    float y = 0;
    bool operator==(const Point&) const = default;
};

// Pixels of the upright image; x and y are the top left corner and may lie outside of it.
struct Rect {
    float x = 0;
    float y = 0;
    float width = 0;
    float height = 0;
    bool operator==(const Rect&) const = default;
};

enum class PixelFormat { gray8, rgb8 };

constexpr int channels_of(PixelFormat format) {
    return format == PixelFormat::gray8 ? 1 : 3;
}

// Pixels owned by someone else. Cheap to copy; must not outlive the owner.
struct ImageView {
    const std::uint8_t* pixels = nullptr;
    Size size;
    std::ptrdiff_t row_bytes = 0;
    PixelFormat format = PixelFormat::rgb8;
};

// Owned pixels, rows packed, EXIF rotation already applied.
class Image {
  public:
    Image() = default;
    Image(Size size, PixelFormat format);  // zeros; throws Error(bad_input) for a size that is not positive

    Size size() const noexcept { return size_; }
    PixelFormat format() const noexcept { return format_; }
    std::span<std::uint8_t> pixels() noexcept { return pixels_; }
    std::span<const std::uint8_t> pixels() const noexcept { return pixels_; }
    ImageView view() const noexcept;

  private:
    Size size_;
    PixelFormat format_ = PixelFormat::rgb8;
    std::vector<std::uint8_t> pixels_;
};

struct DecodeLimits {
    std::int64_t max_pixels = 150'000'000;  // width x height; larger images are refused before allocating
};

struct DecodeOptions {
    DecodeLimits limits;
    // JPEG may be decoded at 1/2, 1/4 or 1/8 as long as the long side stays at least this many pixels.
    // 0: always whole.
    int enough_long_side = 0;
};

// When the camera says the photo was taken: wall-clock time, and its offset from UTC if the camera knew it.
struct CaptureTime {
    // Since 1970-01-01T00:00:00 on the camera's clock, sub-seconds included.
    std::int64_t local_milliseconds = 0;
    std::optional<int> utc_offset_minutes;  // absent: the event's time zone applies
    bool operator==(const CaptureTime&) const = default;
};

// What the file says of itself beside its pixels. Nonsense dates and orientations are treated as absent.
struct PhotoMetadata {
    std::optional<CaptureTime> captured;
    std::string camera;  // printable ASCII: "make model", or the model alone when it begins with the make;
                         // plus " #serial" of the body where given; empty when unknown
    // EXIF 1..8 as stored, already applied to the pixels; always 1 for HEIC, whose container has turned them.
    int orientation = 1;
};

struct DecodedPhoto {
    Image image;     // upright RGB, perhaps reduced
    Size full_size;  // upright size of the whole photo; boxes are stored in its pixels
    PhotoMetadata metadata;

    // The ICC profile that says which colours the pixels mean; empty: none, as good as sRGB. Of profiles for
    // other pixels than RGB (grey, CMYK) and beyond 1 MiB nothing is kept: they say nothing about `image`.
    std::vector<std::byte> colour_profile;
};

// Decodes JPEG, PNG, WebP, TIFF or HEIC into upright RGB. CMYK, 16-bit, grey, palette and alpha (over white)
// become 8-bit RGB; of an animation the first frame is taken. The format is told by the first bytes, never by
// a name. A file cut short is an error, not half a photo; broken EXIF data is no error. Colour profiles are
// handed on, not applied. Throws Error(bad_input) for broken or oversized input and Error(unsupported) for
// other formats, GIF, BMP and AVIF among them, and Error(overloaded) when memory runs out. Starts no threads
// (but libheif's decoder may hold one while it works). Safe to call from many threads.
DecodedPhoto decode_photo(std::span<const std::byte> encoded, const DecodeOptions& options = {});

// The pixels alone, whole.
Image decode_image(std::span<const std::byte> encoded, const DecodeLimits& limits = {});

// Baseline JPEG with half the resolution in colour (4:2:0), quality 1..100, from RGB or grey. With nothing
// beside the pixels but the ICC profile, if one is given. Throws Error(bad_input) for another quality, an
// empty image, a side above 65,500 pixels, or a profile beyond 16 MB.
std::vector<std::byte> encode_jpeg(ImageView image, int quality = 90,
                                   std::span<const std::byte> colour_profile = {});

// Lossless PNG, from RGB or grey. Throws Error(bad_input) for an empty image.
std::vector<std::byte> encode_png(ImageView image);

// Along each axis averages what an output pixel covers when it shrinks, interpolates when it grows. Starts no
// threads. Throws Error(bad_input) for an empty image or a size that is not positive.
Image resize_image(ImageView image, Size size);

// `size`, shrunk so that its long side is at most `long_side` (positive), its shape kept within half a pixel.
Size size_within(Size size, int long_side);

// The part of `image` inside `box`, rounded to whole pixels and cut to the image; throws Error(bad_input)
// when nothing is left.
Image crop_image(ImageView image, Rect box);

enum class Place { top_left, top, top_right, left, center, right, bottom_left, bottom, bottom_right };

// Their names for the outside world, in the same order.
inline constexpr std::array<std::string_view, 9> place_names{
    "top-left", "top", "top-right", "left", "center", "right", "bottom-left", "bottom", "bottom-right"};

// Where artwork lies on a photo, and how plainly.
struct WatermarkLayout {
    Place place = Place::bottom_right;
    double width = 0.3;  // 0..1 (not 0) of the photo's width; less where it would not fit between the margins
    double margin = 0.02;  // 0..0.4 of the photo's short side, from every edge
    double opacity = 0.5;  // 0..1, of what the artwork's own alpha shows
    bool operator==(const WatermarkLayout&) const = default;
};

// Artwork that is laid over photos, any shape, by its alpha. Colours are mixed as they are stored, in the
// photo's own encoding (gamma and colour profile), as image editors do it unless told otherwise.
class Watermark {
  public:
    // From a PNG, usually with alpha. Throws Error(bad_input) for one that is broken, or larger than 20 MB or
    // 50 million pixels, and for a layout out of its range; Error(unsupported) for another format.
    static Watermark open(std::span<const std::byte> png, const WatermarkLayout& layout = {});

    Watermark(Watermark&&) noexcept;
    Watermark& operator=(Watermark&&) noexcept;
    ~Watermark();

    // Where it comes to lie on a photo of this size: whole pixels, inside the photo.
    Rect place_on(Size photo) const;

    // Lays it over an RGB photo. Safe to call from many threads; photos of a few sizes are fastest.
    void lay_over(Image& photo) const;

  private:
    struct Impl;
    explicit Watermark(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace eventlens
