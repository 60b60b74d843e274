#include <algorithm>

#include "eventlens/error.h"
#include "eventlens/faces.h"
#include "faces/detect.h"
#include "faces/embed.h"
#include "faces/quality.h"

namespace eventlens {

namespace {

// RGB pixels of a view of any format; borrowed where they are RGB already.
class RgbView {
  public:
    explicit RgbView(ImageView image) : view_(image) {
        if (!image.pixels || image.size.width <= 0 || image.size.height <= 0)
            throw Error(ErrorCode::bad_input, "there is no image to find faces in");
        if (image.format == PixelFormat::rgb8) return;
        owned_ = Image(image.size, PixelFormat::rgb8);
        std::uint8_t* out = owned_.pixels().data();
        for (int y = 0; y < image.size.height; ++y) {
            const std::uint8_t* row = image.pixels + y * image.row_bytes;
            for (int x = 0; x < image.size.width; ++x) out = std::fill_n(out, 3, row[x]);
        }
        view_ = owned_.view();
    }

    ImageView view() const { return view_; }

  private:
    Image owned_;
    ImageView view_;
};

// Square pixels of the part of the box that lies inside the picture.
float visible_area(const Rect& box, Size picture) {
    const auto inside = [](float from, float length, int side) {
        return std::max(0.0F, std::min(from + length, static_cast<float>(side)) - std::max(from, 0.0F));
    };
    return inside(box.x, box.width, picture.width) * inside(box.y, box.height, picture.height);
}

}  // namespace

struct FaceFinder::Impl {
    std::shared_ptr<const ModelStore> models;  // outlives the networks below
    FaceOptions options;
    FaceDetector detector;
    FaceEmbedder embedder;

    // Largest first.
    std::vector<Face> faces_of(ImageView rgb, std::vector<Detection> detections) const {
        std::erase_if(detections, [&](const Detection& face) {
            return std::max(face.box.width, face.box.height) < static_cast<float>(options.min_side);
        });
        std::ranges::stable_sort(detections, std::ranges::greater{},
                                 [&](const Detection& face) { return visible_area(face.box, rgb.size); });
        std::vector<Face> faces;
        faces.reserve(detections.size());
        for (const Detection& face : detections)
            faces.push_back({face.box, face.landmarks, face.confidence, face_quality(rgb, face), {}});
        return faces;
    }

    void embed(ImageView rgb, std::span<Face> faces) const {
        std::vector<Detection> detections;
        detections.reserve(faces.size());
        for (const Face& face : faces) detections.push_back({face.box, face.landmarks, face.confidence});
        std::vector<Embedding> embeddings = embedder.embed(rgb, detections);
        for (std::size_t i = 0; i < faces.size(); ++i) faces[i].embedding = std::move(embeddings[i]);
    }

    std::vector<Face> describe(ImageView rgb, std::vector<Detection> detections) const {
        std::vector<Face> faces = faces_of(rgb, std::move(detections));
        embed(rgb, faces);
        return faces;
    }
};

FaceFinder::FaceFinder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FaceFinder::FaceFinder(FaceFinder&&) noexcept = default;
FaceFinder& FaceFinder::operator=(FaceFinder&&) noexcept = default;
FaceFinder::~FaceFinder() = default;

FaceFinder FaceFinder::open(std::shared_ptr<const ModelStore> models, const FaceOptions& options) {
    const ModelEntry& embedder =
        options.embedder.empty() ? models->default_for("face_embedder") : models->entry(options.embedder);
    FaceDetector detector(*models, options.min_confidence, options.max_long_side);
    FaceEmbedder describer(*models, embedder);
    return FaceFinder(
        std::make_unique<Impl>(Impl{std::move(models), options, std::move(detector), std::move(describer)}));
}

std::vector<Face> FaceFinder::find(ImageView image) const {
    const RgbView rgb(image);
    return impl_->describe(rgb.view(), impl_->detector.detect(rgb.view(), impl_->detector.usual()));
}

std::vector<Face> FaceFinder::detect(ImageView image, const DetectOptions& options) const {
    const RgbView rgb(image);
    FaceDetector::Look how = impl_->detector.usual();
    if (options.max_long_side > 0) how.max_long_side = options.max_long_side;
    if (options.min_confidence > 0) how.min_confidence = static_cast<float>(options.min_confidence);
    return impl_->faces_of(rgb.view(), impl_->detector.detect(rgb.view(), how));
}

void FaceFinder::embed(ImageView image, std::span<Face> faces) const {
    if (faces.empty()) return;
    const RgbView rgb(image);
    impl_->embed(rgb.view(), faces);
}

std::vector<Face> FaceFinder::find_in_selfie(ImageView image) const {
    const RgbView rgb(image);
    return impl_->describe(rgb.view(), impl_->detector.detect_close_up(rgb.view()));
}

double FaceFinder::min_confidence() const {
    return impl_->detector.usual().min_confidence;
}

const ModelEntry& FaceFinder::embedder() const {
    return impl_->embedder.entry();
}

}  // namespace eventlens
