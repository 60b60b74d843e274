#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <fstream>
#include <numeric>
#include <openvino/op/ops.hpp>
#include <openvino/openvino.hpp>
#include <set>
#include <thread>

#include "base/sha256.h"
#include "eventlens/error.h"
#include "eventlens/faces.h"
#include "faces/align.h"
#include "faces/detect.h"
#include "faces/quality.h"

namespace eventlens {
namespace {

namespace fs = std::filesystem;
using ov::op::v0::Constant;
using ov::op::v0::Parameter;

constexpr std::array<Point, 5> frontal{Point{40, 50}, {72, 50}, {56, 70}, {42, 92}, {70, 92}};

Image painted(Size size, Rect box, std::array<std::uint8_t, 3> colour) {
    Image image(size, PixelFormat::rgb8);
    for (int y = static_cast<int>(box.y); y < static_cast<int>(box.y + box.height); ++y)
        for (int x = static_cast<int>(box.x); x < static_cast<int>(box.x + box.width); ++x)
            std::ranges::copy(colour,
                              image.pixels().begin() + (static_cast<std::ptrdiff_t>(y) * size.width + x) * 3);
    return image;
}

// A detector of bright squares: a cell's score is its mean brightness, the box two cells wide around its
// corner, the landmarks a small face inside. Its answers can be told by hand.
std::shared_ptr<ov::Model> square_detector() {
    const auto image = std::make_shared<Parameter>(ov::element::u8, ov::PartialShape{1, -1, -1, 3});
    const auto floats = std::make_shared<ov::op::v0::Convert>(image, ov::element::f32);
    const auto grey =
        std::make_shared<ov::op::v1::ReduceMean>(floats, Constant::create(ov::element::i64, {1}, {3}), true);
    const auto nchw =
        std::make_shared<ov::op::v1::Transpose>(grey, Constant::create(ov::element::i64, {4}, {0, 3, 1, 2}));
    ov::OutputVector heads;
    for (const std::size_t stride : {8, 16, 32}) {
        const auto mean =
            std::make_shared<ov::op::v1::AvgPool>(nchw, ov::Strides{stride, stride}, ov::Shape{0, 0},
                                                  ov::Shape{0, 0}, ov::Shape{stride, stride}, true);
        const auto nhwc = std::make_shared<ov::op::v1::Transpose>(
            mean, Constant::create(ov::element::i64, {4}, {0, 2, 3, 1}));
        std::vector<float> scale(15, 0.0F);
        if (stride == 8) scale[0] = 1.0F / 255;  // the other levels see nothing
        const float two_cells = std::log(2.0F);
        const std::vector<float> cell{0,    0.5F, 0.5F, two_cells, two_cells, 0.2F, 0.3F, 0.8F,
                                      0.3F, 0.5F, 0.5F, 0.3F,      0.8F,      0.7F, 0.8F};
        const auto scaled = std::make_shared<ov::op::v1::Multiply>(
            nhwc, Constant::create(ov::element::f32, {1, 1, 1, 15}, scale));
        heads.push_back(std::make_shared<ov::op::v1::Add>(
            scaled, Constant::create(ov::element::f32, {1, 1, 1, 15}, cell)));
    }
    return std::make_shared<ov::Model>(heads, ov::ParameterVector{image});
}

// An embedder that gives the mean colour of the left and of the right half: six numbers. `faces` is the
// number of images per run, -1 for any.
std::shared_ptr<ov::Model> halves_embedder(std::int64_t faces) {
    const auto image = std::make_shared<Parameter>(ov::element::f32, ov::PartialShape{faces, 112, 112, 3});
    const auto halves = std::make_shared<ov::op::v1::Reshape>(
        image,
        Constant::create(
            ov::element::i64, {5},
            {std::int64_t{0}, std::int64_t{112}, std::int64_t{2}, std::int64_t{56}, std::int64_t{3}}),
        true);
    const auto mean = std::make_shared<ov::op::v1::ReduceMean>(
        halves, Constant::create(ov::element::i64, {2}, {1, 3}), false);
    const auto flat = std::make_shared<ov::op::v1::Reshape>(
        mean, Constant::create(ov::element::i64, {2}, {std::int64_t{0}, std::int64_t{6}}), true);
    return std::make_shared<ov::Model>(ov::OutputVector{flat}, ov::ParameterVector{image});
}

// Where two views put the landmarks, and the manifest's words for it.
const std::string usual = R"("alignment": [[38, 52], [74, 52], [56, 72], [42, 92], [70, 92]])";
const std::string wider = R"("alignment": [[44, 54], [68, 54], [56, 68], [47, 82], [65, 82]])";

std::string mirrored(const std::string& alignment) {
    return alignment + R"(, "mirrored": true)";
}

std::string views(const std::vector<std::string>& each) {
    std::string list;
    for (const std::string& view : each) list += (list.empty() ? "{" : ", {") + view + "}";
    return R"("views": [)" + list + "]";
}

class Faces : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = fs::path(testing::TempDir()) / ("faces-" + std::to_string(getpid()));
        fs::create_directories(folder_);
        ov::save_model(square_detector(), folder_ / "squares.xml", false);
        ov::save_model(halves_embedder(-1), folder_ / "halves.xml", false);
        ov::save_model(halves_embedder(2), folder_ / "pairs.xml", false);
    }
    void TearDown() override { fs::remove_all(folder_); }

    std::string entry(const std::string& name, const std::string& role, const std::string& graph,
                      const std::string& fields) const {
        const auto file = [&](const std::string& path) {
            return R"({"path": ")" + path + R"(", "sha256": ")" + sha256_hex_of_file(folder_ / path) +
                   R"("})";
        };
        const std::string files =
            graph.empty() ? "" : R"(, "files": [)" + file(graph + ".xml") + ", " + file(graph + ".bin") + "]";
        return R"({"name": ")" + name + R"(", "role": ")" + role +
               R"(", "licence": "ours", "provenance": "made by a test")" + files + fields + "}";
    }

    std::string embedder(const std::string& name, const std::string& graph, const std::string& more = "",
                         const std::string& views = usual) const {
        return entry(
            name, "face_embedder", graph,
            R"(, "input": {"width": 112, "height": 112, "channels_first": false}, "output_size": 6, )" +
                views + more);
    }

    std::shared_ptr<const ModelStore> store(const std::string& embedders) const {
        std::ofstream(folder_ / "manifest.json")
            << R"({"schema": 1, "defaults": {"face_detector": "squares", "face_embedder": "halves"}, "models": [)"
            << entry("squares", "face_detector", "squares",
                     R"(, "input": {"multiple": 32, "raw_bytes": true}, "threshold": 0.9)")
            << ", " << embedders << "]}";
        const std::array manifests{folder_ / "manifest.json"};
        return ModelStore::open(manifests, {.precision = Precision::f32, .threads = 2});
    }

    FaceFinder finder(const std::string& embedders, const FaceOptions& options = {}) const {
        return FaceFinder::open(store(embedders), options);
    }

    fs::path folder_;
};

ErrorCode code_of(const auto& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.code();
    }
    ADD_FAILURE() << "nothing was thrown";
    return ErrorCode::internal;
}

float cosine(const Embedding& a, const Embedding& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0F);
}

TEST(Alignment, UndoesRotationScaleAndShift) {
    const float angle = 0.4F;
    const float scale = 3;
    std::array<Point, 5> turned;
    for (std::size_t i = 0; i < frontal.size(); ++i) {
        turned[i] = {scale * (std::cos(angle) * frontal[i].x - std::sin(angle) * frontal[i].y) + 100,
                     scale * (std::sin(angle) * frontal[i].x + std::cos(angle) * frontal[i].y) - 20};
    }
    const AffineMatrix m = aligned_to_photo(turned, frontal);
    for (std::size_t i = 0; i < frontal.size(); ++i) {
        EXPECT_NEAR(m[0] * frontal[i].x + m[1] * frontal[i].y + m[2], turned[i].x, 1e-3);
        EXPECT_NEAR(m[3] * frontal[i].x + m[4] * frontal[i].y + m[5], turned[i].y, 1e-3);
    }
}

TEST(Alignment, OfLandmarksInOnePlaceIsFinite) {
    std::array<Point, 5> one_place;
    one_place.fill({7, 9});
    const AffineMatrix m = aligned_to_photo(one_place, frontal);
    EXPECT_EQ(m, (AffineMatrix{0, 0, 7, 0, 0, 9}));
}

// Property: a canvas holds its view, the network can take it, and there are few of them.
TEST(Canvas, HoldsEveryViewInFewShapes) {
    std::set<std::pair<int, int>> shapes;
    for (int width = 1; width <= 2048; width += 13) {
        for (int height = 1; height <= 2048; height += 17) {
            const Size canvas = canvas_for({width, height});
            ASSERT_GE(canvas.width, width);
            ASSERT_GE(canvas.height, height);
            ASSERT_EQ(canvas.width % 32, 0);
            ASSERT_EQ(canvas.height % 32, 0);
            shapes.insert({canvas.width, canvas.height});
        }
    }
    EXPECT_EQ(shapes.size(), 28U);
    EXPECT_EQ(canvas_for({2048, 1365}), (Size{2048, 1408}));
    EXPECT_EQ(canvas_for({1536, 2048}), (Size{1536, 2048}));
}

TEST(Overlaps, KeepTheSurest) {
    const auto at = [](float x, float confidence) {
        Detection face;
        face.box = {x, 0, 10, 10};
        face.confidence = confidence;
        return face;
    };
    const auto kept = without_overlaps({at(0, 0.8F), at(1, 0.9F), at(9, 0.7F), at(30, 0.6F)}, 0.45F);
    ASSERT_EQ(kept.size(), 3U);
    EXPECT_EQ(kept[0].box.x, 1);
    EXPECT_EQ(kept[1].box.x, 9);
    EXPECT_EQ(kept[2].box.x, 30);
}

TEST_F(Faces, AreFoundWhereTheyAreInTheView) {
    const FaceFinder faces = finder(embedder("halves", "halves"));
    const Image image = painted({200, 120}, {64, 32, 8, 8}, {255, 255, 255});
    const auto found = faces.find(image.view());
    ASSERT_EQ(found.size(), 1U);
    EXPECT_NEAR(found[0].box.x, 60, 1e-3);  // the cell's middle, less half of two cells
    EXPECT_NEAR(found[0].box.y, 28, 1e-3);
    EXPECT_NEAR(found[0].box.width, 16, 1e-3);
    EXPECT_NEAR(found[0].landmarks[0].x, 64 + 0.2 * 8, 1e-3);
    EXPECT_NEAR(found[0].landmarks[4].y, 32 + 0.8 * 8, 1e-3);
    EXPECT_NEAR(found[0].confidence, 1, 1e-5);
    EXPECT_NEAR(cosine(found[0].embedding, found[0].embedding), 1, 1e-5);
}

// A view larger than what the detector looks at: coordinates must be the view's, not the detector's.
TEST_F(Faces, OfAShrunkViewAreInItsOwnPixels) {
    const FaceFinder faces = finder(embedder("halves", "halves"), {.max_long_side = 512});
    const auto found = faces.find(painted({1024, 512}, {512, 256, 16, 16}, {255, 255, 255}).view());
    ASSERT_EQ(found.size(), 1U);
    EXPECT_NEAR(found[0].box.x, 504, 1e-2);
    EXPECT_NEAR(found[0].box.width, 32, 1e-2);
    EXPECT_NEAR(found[0].landmarks[2].x, 2 * (256 + 4 + 0.5) - 0.5, 1e-2);
}

// The two halves of find(), as frames of a video need them.
TEST_F(Faces, AreDetectedFirstAndDescribedLater) {
    const FaceFinder faces = finder(embedder("halves", "halves"));
    const Image image = painted({1024, 512}, {512, 256, 16, 16}, {240, 240, 240});
    const auto whole = faces.find(image.view());
    auto detected = faces.detect(image.view());
    ASSERT_EQ(detected.size(), whole.size());
    ASSERT_FALSE(detected.empty());
    EXPECT_TRUE(detected[0].embedding.empty());
    EXPECT_EQ(detected[0].box, whole[0].box);
    EXPECT_EQ(detected[0].quality, whole[0].quality);
    faces.embed(image.view(), detected);
    EXPECT_EQ(detected[0].embedding, whole[0].embedding);

    const auto quick = faces.detect(image.view(), {.max_long_side = 512});
    ASSERT_EQ(quick.size(), 1U);
    EXPECT_NEAR(quick[0].box.x, 504, 1e-2);  // in pixels of the view still
    EXPECT_TRUE(faces.detect(image.view(), {.min_confidence = 0.99}).empty());
}

TEST_F(Faces, LargestComesFirstAndSmallOnesAreDropped) {
    // A face found by the coarse look is four times as large as the same cell of the fine one.
    Image image = painted({1600, 1200}, {800, 640, 32, 32}, {255, 255, 255});
    const auto found = finder(embedder("halves", "halves")).find(image.view());
    ASSERT_GT(found.size(), 1U);
    for (std::size_t i = 1; i < found.size(); ++i)
        EXPECT_GE(found[i - 1].box.width * found[i - 1].box.height, found[i].box.width * found[i].box.height);
    const auto large = finder(embedder("halves", "halves"), {.min_side = 32}).find(image.view());
    ASSERT_EQ(large.size(), 1U);
    EXPECT_EQ(large[0].box, found[0].box);
}

// Two boxes of the same size, the surer of them cut by the picture's border: what can be seen decides.
TEST_F(Faces, CutByTheBorderCountWithWhatIsInside) {
    Image image = painted({200, 120}, {0, 32, 8, 8}, {255, 255, 255});
    const Image whole = painted({200, 120}, {64, 32, 8, 8}, {240, 240, 240});
    for (std::size_t i = 0; i < whole.pixels().size(); ++i) image.pixels()[i] |= whole.pixels()[i];
    const auto found = finder(embedder("halves", "halves")).find(image.view());
    ASSERT_EQ(found.size(), 2U);
    EXPECT_NEAR(found[0].box.x, 60, 1e-3);
    EXPECT_NEAR(found[1].box.x, -4, 1e-3);
    EXPECT_NEAR(found[1].box.width, found[0].box.width, 1e-3);
    EXPECT_GT(found[1].confidence, found[0].confidence);
}

TEST_F(Faces, OfAnEmptyPictureAreNone) {
    const FaceFinder faces = finder(embedder("halves", "halves"));
    EXPECT_TRUE(faces.find(Image({33, 1}, PixelFormat::rgb8).view()).empty());
    EXPECT_TRUE(faces.find_in_selfie(Image({1, 500}, PixelFormat::gray8).view()).empty());
    EXPECT_EQ(code_of([&] { (void)faces.find(ImageView{}); }), ErrorCode::bad_input);
}

TEST_F(Faces, GreyIsSeenAsRgb) {
    const FaceFinder faces = finder(embedder("halves", "halves"));
    Image grey({200, 120}, PixelFormat::gray8);
    for (int y = 32; y < 40; ++y)
        for (int x = 64; x < 72; ++x) grey.pixels()[static_cast<std::size_t>(y * 200 + x)] = 255;
    const auto found = faces.find(grey.view());
    const auto expected = faces.find(painted({200, 120}, {64, 32, 8, 8}, {255, 255, 255}).view());
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].box, expected[0].box);
    EXPECT_EQ(found[0].embedding, expected[0].embedding);
}

// A selfie is also looked at in a view of 256 pixels, in which one cell is 31 of its own; find() sees cells
// of 8 only.
TEST_F(Faces, InASelfieAreLookedForInASmallerViewToo) {
    const FaceFinder faces = finder(embedder("halves", "halves"), {.min_side = 40});
    const Image image = painted({1000, 1000}, {500, 500, 32, 32}, {255, 255, 255});
    EXPECT_TRUE(faces.find(image.view()).empty());
    const auto found = faces.find_in_selfie(image.view());
    ASSERT_EQ(found.size(), 1U);
    EXPECT_NEAR(found[0].box.x, 500 - 31.25 / 2, 0.1);
    EXPECT_NEAR(found[0].box.width, 62.5, 0.1);
    EXPECT_NEAR(found[0].landmarks[0].x, 500 + 0.2 * 31.25 + 0.5 * 31.25 / 8 - 0.5, 0.1);
}

TEST_F(Faces, EmbeddersJoinTheirWeightedParts) {
    const std::string parts = embedder("halves", "halves") + ", " + embedder("pairs", "pairs") + ", " +
                              entry("both", "face_embedder", "",
                                    R"(, "output_size": 12, "parts": [{"model": "halves", "weight": 1},
                                       {"model": "pairs", "weight": 2}])");
    const Image image = painted({200, 120}, {64, 32, 8, 8}, {255, 230, 255});
    const Embedding one = finder(parts).find(image.view()).at(0).embedding;
    const Embedding both = finder(parts, {.embedder = "both"}).find(image.view()).at(0).embedding;
    ASSERT_EQ(one.size(), 6U);
    ASSERT_EQ(both.size(), 12U);
    for (std::size_t i = 0; i < one.size(); ++i) {
        EXPECT_NEAR(both[i], one[i] / std::sqrt(5.0F), 1e-5);
        EXPECT_NEAR(both[6 + i], 2 * one[i] / std::sqrt(5.0F), 1e-5);
    }
}

// A file may fix how many faces a run has; any number of faces must come out the same.
TEST_F(Faces, AreDescribedAlikeInRunsOfAnySize) {
    const std::string embedders = embedder("halves", "halves") + ", " + embedder("pairs", "pairs");
    Image image = painted({512, 288}, {64, 32, 8, 8}, {255, 255, 255});
    for (const int x : {128, 192, 256, 320, 384, 448}) {
        const Image more = painted({512, 288}, {static_cast<float>(x), 32, 8, 8}, {255, 250, 240});
        for (std::size_t i = 0; i < more.pixels().size(); ++i) image.pixels()[i] |= more.pixels()[i];
    }
    const auto any = finder(embedders).find(image.view());
    const auto pairs = finder(embedders, {.embedder = "pairs"}).find(image.view());
    ASSERT_EQ(any.size(), 7U);
    ASSERT_EQ(pairs.size(), 7U);
    for (std::size_t i = 0; i < any.size(); ++i)
        EXPECT_NEAR(cosine(any[i].embedding, pairs[i].embedding), 1, 1e-5);
}

TEST_F(Faces, AveragedWithTheirMirrorImageAreSymmetric) {
    const Image image = painted({200, 120}, {66, 30, 8, 12}, {255, 255, 255});
    const auto described = [&](const std::string& seen) {
        return finder(embedder("halves", "halves", "", seen), {.min_confidence = 0.3})
            .find(image.view())
            .at(0)
            .embedding;
    };
    const Embedding plain = described(usual);
    const Embedding turned = described(views({mirrored(usual)}));
    const Embedding mean = described(views({usual, mirrored(usual)}));
    EXPECT_GT(std::abs(plain[0] - plain[3]), 0.01F);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_NEAR(turned[i], plain[i + 3], 1e-4);
        EXPECT_NEAR(turned[i + 3], plain[i], 1e-4);
        EXPECT_NEAR(mean[i], mean[i + 3], 1e-4);
    }
}

// Also where the file fixes two images a run, so that views of two faces share one.
TEST_F(Faces, SeenInSeveralViewsAreTheirMean) {
    Image image = painted({200, 120}, {64, 32, 8, 8}, {255, 230, 255});
    const Image more = painted({200, 120}, {128, 64, 8, 8}, {255, 255, 240});
    for (std::size_t i = 0; i < more.pixels().size(); ++i) image.pixels()[i] |= more.pixels()[i];
    for (const char* graph : {"halves", "pairs"}) {
        const auto described = [&](const std::string& seen) {
            return finder(embedder("halves", graph, "", seen)).find(image.view());
        };
        const auto near = described(usual);
        const auto far = described(views({mirrored(wider)}));
        const auto both = described(views({usual, mirrored(wider), usual}));
        ASSERT_EQ(both.size(), 2U);
        for (std::size_t face = 0; face < 2; ++face) {
            EXPECT_LT(cosine(near.at(face).embedding, far.at(face).embedding), 0.999F);
            Embedding mean = near[face].embedding;
            for (std::size_t i = 0; i < mean.size(); ++i) mean[i] = 2 * mean[i] + far[face].embedding[i];
            const float length = std::sqrt(cosine(mean, mean));
            for (std::size_t i = 0; i < mean.size(); ++i)
                EXPECT_NEAR(both[face].embedding[i], mean[i] / length, 1e-5) << graph;
        }
    }
}

TEST_F(Faces, AMeanIsTakenFromTheUnitVector) {
    const Image image = painted({200, 120}, {64, 32, 8, 8}, {255, 230, 255});
    const Embedding plain = finder(embedder("halves", "halves")).find(image.view()).at(0).embedding;
    const Embedding centred = finder(embedder("halves", "halves", R"(, "output_mean": [0.5, 0, 0, 0, 0, 0])"))
                                  .find(image.view())
                                  .at(0)
                                  .embedding;
    Embedding expected = plain;
    expected[0] -= 0.5F;
    const float length = std::sqrt(cosine(expected, expected));
    for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_NEAR(centred[i], expected[i] / length, 1e-5);
}

TEST_F(Faces, EntriesThatDoNotFitAreRefused) {
    const auto halves = embedder("halves", "halves");
    const auto joined = [&](const char* fields) {
        return halves + ", " + entry("bad", "face_embedder", "", fields);
    };
    const FaceOptions bad{.embedder = "bad"};
    EXPECT_EQ(code_of([&] {
                  finder(joined(R"(, "output_size": 7, "parts": [{"model": "halves", "weight": 1}])"), bad);
              }),
              ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] {
                  finder(joined(R"(, "output_size": 6, "parts": [{"model": "halves", "weight": 0}])"), bad);
              }),
              ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] {
                  finder(joined(R"(, "output_size": 6, "parts": [{"model": "squares", "weight": 1}])"), bad);
              }),
              ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { finder(halves, {.embedder = "squares"}); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { finder(halves, {.embedder = "unknown"}); }), ErrorCode::not_found);
}

TEST_F(Faces, MayBeFoundOnManyThreads) {
    const FaceFinder faces = finder(embedder("halves", "halves"));
    const Image image = painted({200, 120}, {64, 32, 8, 8}, {255, 200, 255});
    const auto expected =
        FaceFinder(finder(embedder("halves", "halves"), {.min_confidence = 0.8})).find(image.view());
    std::vector<std::vector<Face>> found(8);
    std::vector<std::thread> threads;
    for (auto& slot : found) threads.emplace_back([&] { slot = faces.find(image.view()); });
    for (std::thread& thread : threads) thread.join();
    for (const auto& each : found) {
        ASSERT_EQ(each.size(), expected.size());
        EXPECT_EQ(each.at(0).embedding, expected.at(0).embedding);
    }
}

// The same picture, sharp and blurred, sure and unsure.
TEST(Quality, FallsWithBlurAndDoubt) {
    Image sharp({112, 112}, PixelFormat::rgb8);
    for (std::size_t i = 0; i < sharp.pixels().size(); ++i)
        sharp.pixels()[i] = static_cast<std::uint8_t>((i / 3 % 112 / 6 + i / 336 / 6) % 2 * 200);
    const Image blurred = resize_image(resize_image(sharp.view(), {14, 14}).view(), {112, 112});
    Detection face;
    face.landmarks = frontal;
    face.confidence = 0.9F;
    Detection doubtful = face;
    doubtful.confidence = 0.5F;
    const float best = face_quality(sharp.view(), face);
    EXPECT_LT(face_quality(blurred.view(), face), best);
    EXPECT_LT(face_quality(sharp.view(), doubtful), best);
    EXPECT_LE(best, 1);
    EXPECT_EQ(face_quality(Image({112, 112}, PixelFormat::rgb8).view(), face), 0);
}

}  // namespace
}  // namespace eventlens
