#include <libheif/heif.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "base/c_handle.h"
#include "eventlens/error.h"
#include "image/codec.h"

namespace eventlens {

namespace {

using Context = CHandle<heif_context, heif_context_free>;
using Handle = CHandle<const heif_image_handle, heif_image_handle_release>;
using HeifImage = CHandle<const heif_image, heif_image_release>;

void check(const heif_error& error) {
    if (error.code == heif_error_Ok) return;
    ErrorCode code = ErrorCode::bad_input;
    if (error.code == heif_error_Unsupported_feature || error.code == heif_error_Unsupported_filetype ||
        error.code == heif_error_Plugin_loading_error) {
        code = ErrorCode::unsupported;
    }
    throw Error(code, std::string("HEIC: ") + error.message);
}

// The block behind its four-byte, big-endian offset to the TIFF header.
ExifFields exif_of(const heif_image_handle* photo) {
    heif_item_id id = 0;
    if (heif_image_handle_get_list_of_metadata_block_IDs(photo, "Exif", &id, 1) != 1) return {};
    std::vector<std::uint8_t> block(heif_image_handle_get_metadata_size(photo, id));
    if (block.size() < 4 || heif_image_handle_get_metadata(photo, id, block.data()).code != heif_error_Ok) {
        return {};
    }
    std::size_t offset = 0;
    for (int i = 0; i < 4; ++i) offset = offset << 8 | block[static_cast<std::size_t>(i)];
    if (offset > block.size() - 4) return {};
    return read_exif(std::as_bytes(std::span(block).subspan(4 + offset)));
}

std::vector<std::byte> profile_of(const heif_image_handle* photo) {
    std::vector<std::byte> profile(heif_image_handle_get_raw_color_profile_size(photo));
    if (profile.empty() ||
        heif_image_handle_get_raw_color_profile(photo, profile.data()).code != heif_error_Ok) {
        return {};
    }
    return profile;
}

Size size_of(const heif_image* image, const DecodeLimits& limits) {
    const auto positive = [](int length) { return static_cast<std::uint64_t>(std::max(length, 0)); };
    return checked_size(positive(heif_image_get_width(image, heif_channel_interleaved)),
                        positive(heif_image_get_height(image, heif_channel_interleaved)), limits);
}

}  // namespace

Decoded decode_heic(std::span<const std::byte> encoded, const DecodeLimits& limits) {
    const Context context(heif_context_alloc());
    if (!context) throw Error(ErrorCode::overloaded, "no memory for a HEIC decoder");
    heif_context_set_max_decoding_threads(context.get(), 0);  // tiles one after another
    // libheif's own limit is the side of a square; it also guards what the size in the file's head does not
    // tell.
    const auto side = static_cast<int>(std::sqrt(static_cast<double>(limits.max_pixels))) + 1;
    heif_context_set_maximum_image_size_limit(context.get(), side);
    check(heif_context_read_from_memory_without_copy(context.get(), encoded.data(), encoded.size(), nullptr));

    heif_image_handle* raw_handle = nullptr;
    check(heif_context_get_primary_image_handle(context.get(), &raw_handle));
    const Handle handle(raw_handle);
    const auto positive = [](int length) { return static_cast<std::uint64_t>(std::max(length, 0)); };
    checked_size(positive(heif_image_handle_get_width(handle.get())),
                 positive(heif_image_handle_get_height(handle.get())), limits);

    const bool has_alpha = heif_image_handle_has_alpha_channel(handle.get()) != 0;
    heif_image* raw_image = nullptr;
    check(heif_decode_image(handle.get(), &raw_image, heif_colorspace_RGB,
                            has_alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB, nullptr));
    const HeifImage image(raw_image);

    Decoded decoded;
    decoded.upright =
        true;  // rotation and mirroring are properties of the container; libheif has applied them
    decoded.full_size = size_of(image.get(), limits);
    decoded.image = Image(decoded.full_size, PixelFormat::rgb8);
    int stride = 0;
    const std::uint8_t* pixels =
        heif_image_get_plane_readonly(image.get(), heif_channel_interleaved, &stride);
    if (!pixels) throw Error(ErrorCode::bad_input, "HEIC holds no picture");
    const auto width = static_cast<std::size_t>(decoded.full_size.width);
    std::uint8_t* out = decoded.image.pixels().data();
    for (int y = 0; y < decoded.full_size.height; ++y, pixels += stride, out += width * 3) {
        if (has_alpha) {
            blend_over_white(pixels, width, out);
        } else {
            std::memcpy(out, pixels, width * 3);
        }
    }
    decoded.exif = exif_of(handle.get());
    decoded.colour_profile = profile_of(handle.get());
    return decoded;
}

}  // namespace eventlens
