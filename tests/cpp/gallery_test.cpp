#include "eventlens/gallery.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <thread>

#include "eventlens/error.h"
#include "gallery/evidence.h"
#include "gallery/half.h"
#include "gallery/scan.h"
#include "gallery/top_rows.h"

namespace eventlens {
namespace {

template <typename Call>
ErrorCode code_of(Call call) {
    try {
        call();
    } catch (const Error& error) {
        return error.code();
    }
    ADD_FAILURE() << "no error";
    return ErrorCode::internal;
}

Embedding random_direction(std::mt19937& random, int dimensions) {
    std::normal_distribution<double> normal;
    std::vector<double> vector;
    for (int i = 0; i < dimensions; ++i) vector.push_back(normal(random));
    const double length = std::sqrt(std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0));
    Embedding embedding;
    for (const double x : vector) embedding.push_back(static_cast<float>(x / length));
    return embedding;
}

double dot(const Embedding& a, const Embedding& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

Face face_with(Embedding embedding, float quality = 1) {
    Face face;
    face.embedding = std::move(embedding);
    face.quality = quality;
    return face;
}

Bib bib(const std::string& text, double probability, bool partial = false) {
    Bib read;
    read.text = text;
    read.probability = probability;
    read.partial = partial;
    return read;
}

// ---- 16-bit floats

// The nearest of all finite halves, ties to the even one, found without bit tricks.
Half nearest_half(float value) {
    static const std::vector<std::pair<float, Half>> halves = [] {
        std::vector<std::pair<float, Half>> all;
        for (std::uint32_t h = 0; h < 0x7C00; ++h) {
            const auto half = static_cast<Half>(h);
            const int exponent = half >> 10;
            const double fraction = half & 0x3FF;
            all.emplace_back(static_cast<float>(exponent == 0 ? std::ldexp(fraction, -24)
                                                              : std::ldexp(1024 + fraction, exponent - 25)),
                             half);
        }
        all.emplace_back(65536.0F, Half{0x7C00});  // where infinity begins to be nearer
        return all;
    }();
    const float magnitude = std::abs(value);
    const auto sign = static_cast<Half>(std::signbit(value) ? 0x8000 : 0);
    if (magnitude >= 65536.0F) return static_cast<Half>(sign | 0x7C00);
    const auto above = std::lower_bound(halves.begin(), halves.end(), std::pair(magnitude, Half{0}));
    if (above->first == magnitude || above == halves.begin()) return static_cast<Half>(sign | above->second);
    const auto below = std::prev(above);
    const double to_above = static_cast<double>(above->first) - static_cast<double>(magnitude);
    const double to_below = static_cast<double>(magnitude) - static_cast<double>(below->first);
    const bool up = to_above != to_below ? to_above < to_below : above->second % 2 == 0;
    return static_cast<Half>(sign | (up ? above : below)->second);
}

TEST(Half, EveryFiniteOneSurvivesTheWayToFloatAndBack) {
    for (std::uint32_t h = 0; h < 0x10000; ++h) {
        const auto half = static_cast<Half>(h);
        if ((half & 0x7C00) == 0x7C00) continue;  // infinity and NaN
        ASSERT_EQ(half_from_float(float_from_finite_half(half)), half) << std::hex << h;
        ASSERT_EQ(nearest_half(float_from_finite_half(half)), half) << std::hex << h;
    }
}

// All floats that matter: around every half and every midpoint of two, and a stride through all others.
TEST(Half, RoundsToNearestTiesToEven) {
    const auto check = [](std::uint32_t bits) {
        const auto value = std::bit_cast<float>(bits);
        if (std::isnan(value)) return;
        ASSERT_EQ(half_from_float(value), nearest_half(value)) << value;
    };
    for (std::uint32_t h = 0; h < 0x7BFF; ++h) {
        const float low = float_from_finite_half(static_cast<Half>(h));
        const float high = float_from_finite_half(static_cast<Half>(h + 1));
        const auto middle = std::bit_cast<std::uint32_t>(low / 2 + high / 2);
        for (const std::uint32_t at : {std::bit_cast<std::uint32_t>(low), middle}) {
            for (std::uint32_t near = at == 0 ? 0 : at - 2; near <= at + 2; ++near) {
                check(near);
                check(near | 0x80000000U);
            }
        }
    }
    for (std::uint64_t bits = 0; bits < 0x100000000; bits += 4099) check(static_cast<std::uint32_t>(bits));
}

TEST(Half, KeepsInfinityAndNaN) {
    EXPECT_EQ(half_from_float(std::numeric_limits<float>::infinity()), 0x7C00);
    EXPECT_EQ(half_from_float(-std::numeric_limits<float>::infinity()), 0xFC00);
    const Half nan = half_from_float(std::numeric_limits<float>::quiet_NaN());
    EXPECT_EQ(nan & 0x7C00, 0x7C00);
    EXPECT_NE(nan & 0x3FF, 0);
}

// ---- kernels

class Kernels : public testing::TestWithParam<ScanKernel> {};
std::string name_of_kernel(const testing::TestParamInfo<ScanKernel>& kernel) {
    constexpr std::array names{"automatic", "scalar", "avx2", "avx512"};
    return names.at(static_cast<std::size_t>(kernel.param));
}
INSTANTIATE_TEST_SUITE_P(All, Kernels,
                         testing::Values(ScanKernel::scalar, ScanKernel::avx2, ScanKernel::avx512),
                         name_of_kernel);

#define SKIP_WITHOUT(kernel) \
    if (!cpu_has(kernel)) GTEST_SKIP() << "this CPU lacks it"

// Differential: every kernel against double arithmetic on the same halves, for every length and number of
// rows.
TEST_P(Kernels, AgreeWithDoubleArithmetic) {
    SKIP_WITHOUT(GetParam());
    const ScoreRows score = score_rows_by(GetParam());
    std::mt19937 random(1);
    std::uniform_real_distribution<float> component(-1, 1);
    for (std::size_t stride = row_multiple; stride <= 640; stride += row_multiple) {
        const std::size_t most_rows = 19;
        std::vector<Half> rows(most_rows * stride);
        for (Half& half : rows) half = half_from_float(component(random));
        std::vector<float> query(stride);
        for (float& x : query) x = component(random);
        for (std::size_t count = 0; count <= most_rows; ++count) {
            std::vector<float> scores(most_rows + 1, 99.0F);
            score(rows.data(), stride, count, query.data(), scores.data());
            for (std::size_t row = 0; row < count; ++row) {
                double expected = 0;
                for (std::size_t i = 0; i < stride; ++i) {
                    expected += static_cast<double>(float_from_finite_half(rows[row * stride + i])) *
                                static_cast<double>(query[i]);
                }
                ASSERT_NEAR(static_cast<double>(scores[row]), expected, 1e-6 * static_cast<double>(stride));
            }
            ASSERT_EQ(scores[count], 99.0F) << "wrote past the last row";
        }
    }
}

// Ties can only be broken reliably when a row's score does not depend on its place.
TEST_P(Kernels, GiveEqualRowsEqualScores) {
    SKIP_WITHOUT(GetParam());
    std::mt19937 random(2);
    const Embedding one = random_direction(random, 320);
    std::vector<Half> rows;
    for (int row = 0; row < 21; ++row)
        std::transform(one.begin(), one.end(), std::back_inserter(rows), half_from_float);
    const Embedding query = random_direction(random, 320);
    std::vector<float> scores(21);
    score_rows_by(GetParam())(rows.data(), 320, 21, query.data(), scores.data());
    for (const float score : scores) EXPECT_EQ(score, scores.front());
}

TEST(Kernel, AutomaticIsAlwaysThere) {
    EXPECT_NO_THROW(score_rows_by(ScanKernel::automatic));
}

TEST(Kernel, ForcingOneThatTheCpuLacksIsAnError) {
    for (const ScanKernel kernel : {ScanKernel::avx2, ScanKernel::avx512}) {
        GalleryOptions options;
        options.kernel = kernel;
        if (cpu_has(kernel)) {
            EXPECT_NO_THROW(Gallery(8, options));
        } else {
            EXPECT_EQ(code_of([&] { Gallery(8, options); }), ErrorCode::unsupported);
        }
    }
}

// ---- the best of many

TEST(TopRows, EqualsSortingEverything) {
    std::mt19937 random(3);
    for (const std::size_t count : {0, 1, 7, 100, 1000, 5000}) {
        std::vector<RowScore> all;
        for (std::size_t row = 0; row < 4000; ++row) {
            all.push_back({row, static_cast<float>(random() % 50)});  // many ties
        }
        TopRows best(count, std::less<std::size_t>());
        for (const RowScore& score : all) {
            if (score.score >= best.bound()) best.offer(score);
        }
        std::sort(all.begin(), all.end(), [](const RowScore& a, const RowScore& b) {
            return std::pair(-a.score, a.row) < std::pair(-b.score, b.row);
        });
        const std::vector<RowScore> found = std::move(best).best_first();
        ASSERT_EQ(found.size(), std::min<std::size_t>(count, all.size()));
        for (std::size_t i = 0; i < found.size(); ++i) ASSERT_EQ(found[i].row, all[i].row);
    }
}

// ---- a gallery against a plain model of one

struct PlainGallery {
    struct Entry {
        std::vector<Embedding> faces;
        bool hidden = false;
    };
    std::map<PhotoId, Entry> photos;

    // All faces, best first.
    std::vector<std::pair<double, std::pair<PhotoId, int>>> ranked(const Embedding& query) const {
        std::vector<std::pair<double, std::pair<PhotoId, int>>> all;
        for (const auto& [id, entry] : photos) {
            if (entry.hidden) continue;
            for (std::size_t i = 0; i < entry.faces.size(); ++i) {
                all.push_back({-dot(entry.faces[i], query), {id, static_cast<int>(i)}});
            }
        }
        std::sort(all.begin(), all.end());
        return all;
    }
};

void expect_same(const Gallery& gallery, const PlainGallery& plain, const Embedding& query,
                 std::size_t count) {
    const auto expected = plain.ranked(query);
    const std::vector<FaceHit> found = gallery.nearest(query, count);
    ASSERT_EQ(found.size(), std::min(count, expected.size()));
    std::set<std::pair<PhotoId, int>> seen;
    for (std::size_t i = 0; i < found.size(); ++i) {
        const FaceHit& hit = found[i];
        ASSERT_TRUE(seen.insert({hit.photo, hit.face}).second) << "the same face twice";
        const PlainGallery::Entry& entry = plain.photos.at(hit.photo);
        ASSERT_FALSE(entry.hidden);
        ASSERT_NEAR(static_cast<double>(hit.similarity),
                    dot(entry.faces.at(static_cast<std::size_t>(hit.face)), query), 1e-3);
        ASSERT_NEAR(static_cast<double>(hit.similarity), -expected[i].first, 1e-3) << "rank " << i;
    }
}

TEST_P(Kernels, FindTheNearestFacesForEveryLength) {
    SKIP_WITHOUT(GetParam());
    GalleryOptions options;
    options.kernel = GetParam();
    std::mt19937 random(4);
    for (int dimensions = 1; dimensions <= 600; dimensions += dimensions < 70 ? 1 : 37) {
        Gallery gallery(dimensions, options);
        PlainGallery plain;
        const Embedding query = random_direction(random, dimensions);
        expect_same(gallery, plain, query, 5);
        for (PhotoId id = 0; id < 23; ++id) {
            std::vector<Face> faces;
            for (std::size_t i = 0; i < random() % 4; ++i) {
                faces.push_back(face_with(random_direction(random, dimensions)));
                plain.photos[id].faces.push_back(faces.back().embedding);
            }
            gallery.put(id, faces);
        }
        for (const std::size_t count : {0, 1, 7, 1000}) expect_same(gallery, plain, query, count);
    }
}

// Random puts, replacements, removals and hidings, across page borders (2 MiB hold 128 rows of this length).
TEST(Gallery, StaysTrueThroughAnyHistory) {
    std::mt19937 random(5);
    const int dimensions = 8192;
    Gallery gallery(dimensions);
    PlainGallery plain;
    std::vector<Embedding> faces_at_hand;
    for (int i = 0; i < 12; ++i) faces_at_hand.push_back(random_direction(random, dimensions));
    for (int step = 0; step < 1200; ++step) {
        const PhotoId id = static_cast<PhotoId>(random() % 150) - 20;
        switch (random() % 4) {
            case 0: EXPECT_EQ(gallery.remove(id), plain.photos.erase(id) == 1); break;
            case 1: {
                const bool hidden = random() % 2 == 0;
                const auto found = plain.photos.find(id);
                EXPECT_EQ(gallery.hide(id, hidden), found != plain.photos.end());
                if (found != plain.photos.end()) found->second.hidden = hidden;
                break;
            }
            default: {
                std::vector<Face> faces;
                for (std::size_t i = 0; i < random() % 5; ++i)
                    faces.push_back(face_with(faces_at_hand[random() % 12]));
                gallery.put(id, faces);
                PlainGallery::Entry& entry = plain.photos[id];
                entry.faces.clear();
                for (const Face& face : faces) entry.faces.push_back(face.embedding);
            }
        }
        const GalleryStats stats = gallery.stats();
        std::size_t faces = 0;
        std::size_t hidden_faces = 0;
        std::size_t hidden_photos = 0;
        for (const auto& [photo, entry] : plain.photos) {
            faces += entry.faces.size();
            if (entry.hidden) hidden_faces += entry.faces.size();
            if (entry.hidden) ++hidden_photos;
        }
        ASSERT_EQ(stats.photos, plain.photos.size());
        ASSERT_EQ(stats.faces, faces);
        ASSERT_EQ(stats.hidden_faces, hidden_faces);
        ASSERT_EQ(stats.hidden_photos, hidden_photos);
        if (step % 100 == 99) expect_same(gallery, plain, faces_at_hand[random() % 12], 60);
    }
    const std::size_t full = gallery.stats().memory_bytes;
    for (PhotoId id = -20; id < 130; ++id) gallery.remove(id);
    EXPECT_EQ(gallery.stats().faces, 0U);
    EXPECT_TRUE(gallery.nearest(faces_at_hand[0], 3).empty());
    EXPECT_LT(gallery.stats().memory_bytes, full);
}

// The answer depends on what the gallery holds, not on the order in which it came or on what was removed.
TEST(Gallery, AnswersTheSameWhateverItsHistory) {
    std::mt19937 random(6);
    std::map<PhotoId, std::vector<Face>> photos;
    const Embedding twin = random_direction(random, 64);
    for (PhotoId id = 0; id < 60; ++id) {
        for (int i = 0; i < 3; ++i)
            photos[id].push_back(face_with(i == 1 ? twin : random_direction(random, 64)));
    }
    Gallery forward(64);
    for (const auto& [id, faces] : photos) forward.put(id, faces);
    Gallery backward(64);
    for (auto at = photos.rbegin(); at != photos.rend(); ++at) backward.put(at->first, at->second);
    for (PhotoId id = 0; id < 60; id += 7) {
        backward.remove(id);
        backward.put(id, photos[id]);
    }
    for (const std::size_t count : {1, 20, 60, 61, 180}) {
        EXPECT_EQ(forward.nearest(twin, count), backward.nearest(twin, count));
    }
    const std::vector<FaceHit> twins = forward.nearest(twin, 60);
    for (std::size_t i = 0; i < twins.size(); ++i) EXPECT_EQ(twins[i].photo, static_cast<PhotoId>(i));
}

TEST(Gallery, RefusesVectorsThatSayNothingAndKeepsWhatItHad) {
    Gallery gallery(3);
    gallery.put(1, std::vector{face_with({1, 0, 0})});
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (const Embedding& bad :
         {Embedding{}, Embedding{1, 0}, Embedding{1, 0, 0, 0}, Embedding{0, 0, 0}, Embedding{nan, 0, 0},
          Embedding{std::numeric_limits<float>::infinity(), 0, 0}}) {
        EXPECT_EQ(code_of([&] {
                      gallery.put(1, std::vector{face_with({0, 1, 0}), face_with(bad)});
                  }),
                  ErrorCode::bad_input);
        EXPECT_EQ(code_of([&] { gallery.nearest(bad, 1); }), ErrorCode::bad_input);
    }
    for (const float quality : {-0.1F, 1.1F, nan}) {
        EXPECT_EQ(code_of([&] {
                      gallery.put(1, std::vector{face_with({0, 1, 0}, quality)});
                  }),
                  ErrorCode::bad_input);
    }
    for (const double probability : {-0.1, 1.1, static_cast<double>(nan)}) {
        EXPECT_EQ(code_of([&] { gallery.put(1, {}, std::vector{bib("1", probability)}); }),
                  ErrorCode::bad_input);
        EXPECT_EQ(code_of([&] { gallery.set_bibs(1, std::vector{bib("1", probability)}); }),
                  ErrorCode::bad_input);
    }
    ASSERT_EQ(gallery.stats().faces, 1U);
    EXPECT_EQ(gallery.nearest(Embedding{2, 0, 0}, 1), (std::vector<FaceHit>{{1, 0, 1.0F}}));
    EXPECT_EQ(code_of([] { Gallery(0); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([] { Gallery(8193); }), ErrorCode::bad_input);
}

TEST(Gallery, ManyThreadsMaySearchAtOnce) {
    std::mt19937 random(7);
    GalleryOptions options;
    options.calibration = {20, -10};
    Gallery gallery(32, options);
    for (PhotoId id = 0; id < 500; ++id) {
        gallery.put(id, std::vector{face_with(random_direction(random, 32))}, std::vector{bib("12", 0.9)});
    }
    const Embedding query = random_direction(random, 32);
    const std::vector<FaceHit> expected = gallery.nearest(query, 50);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int repeat = 0; repeat < 20; ++repeat) {
                EXPECT_EQ(gallery.nearest(query, 50), expected);
                EXPECT_EQ(gallery.find_bib("12").size(), 500U);
                gallery.match_faces(std::vector{Probe{query}});
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
}

// ---- probabilities

Gallery calibrated(int dimensions, Calibration calibration) {
    GalleryOptions options;
    options.calibration = calibration;
    return Gallery(dimensions, options);
}

// A unit vector of three dimensions at this cosine to the first axis.
Embedding at_cosine(float cosine, float turn = 0) {
    const float rest = std::sqrt(1 - cosine * cosine);
    return {cosine, rest * std::cos(turn), rest * std::sin(turn)};
}

double probability_at(float cosine, int others, const MatchOptions& options = {.min_probability = 0}) {
    Gallery gallery = calibrated(3, {20, -12});
    gallery.put(0, std::vector{face_with(at_cosine(cosine))});
    for (int i = 0; i < others; ++i) gallery.put(i + 1, std::vector{face_with({-1, 0, 0})});
    for (const Match& match : gallery.match_faces(std::vector{Probe{{1, 0, 0}}}, options)) {
        if (match.photo == 0) return match.probability;
    }
    ADD_FAILURE() << "not found";
    return -1;
}

TEST(Probability, IsBayesRule) {
    const double expected_odds = std::exp(20 * 0.8 - 12) * 5.0 / (5 + 100);
    EXPECT_NEAR(probability_at(0.8F, 99), expected_odds / (1 + expected_odds), 2e-3);
}

TEST(Probability, GrowsWithSimilarityAndFallsWithTheSizeOfTheEvent) {
    for (float cosine = -0.9F; cosine < 0.95F; cosine += 0.05F) {
        EXPECT_LT(probability_at(cosine, 50), probability_at(cosine + 0.05F, 50));
    }
    for (const int others : {0, 1, 10, 100})
        EXPECT_GT(probability_at(0.7F, others), probability_at(0.7F, 5 * others + 1));
    EXPECT_LE(probability_at(0.6F, 0), 0.5)
        << "a similarity that says nothing says nothing in an empty event either";
}

TEST(Probability, HiddenPhotosCountAsAbsent) {
    Gallery gallery = calibrated(3, {20, -12});
    for (PhotoId id = 0; id < 20; ++id)
        gallery.put(id, std::vector{face_with(at_cosine(0.7F, static_cast<float>(id)))});
    const std::vector<Probe> probe{{{1, 0, 0}}};
    const double before = gallery.match_faces(probe, {.min_probability = 0}).front().probability;
    for (PhotoId id = 10; id < 20; ++id) gallery.hide(id, true);
    const std::vector<Match> matches = gallery.match_faces(probe, {.min_probability = 0});
    EXPECT_EQ(matches.size(), 10U);
    EXPECT_GT(matches.front().probability, before);
}

// Log odds that the only photo shows the person.
double log_odds_of(float probe_quality, float face_quality, double quality_evidence) {
    Gallery gallery = calibrated(3, {20, -12});
    gallery.put(0, std::vector{face_with(at_cosine(0.7F), face_quality)});
    const MatchOptions options{
        .min_probability = 0, .quality_evidence = quality_evidence, .expansion_rounds = 0};
    const double p =
        gallery.match_faces(std::vector{Probe{{1, 0, 0}, probe_quality}}, options).at(0).probability;
    return std::log(p / (1 - p));
}

TEST(Probability, EachFaceAddsTheEvidenceOfItsLackOfQuality) {
    const double plain = log_odds_of(1, 1, 0);
    EXPECT_EQ(log_odds_of(0.3F, 0.2F, 0), plain);
    EXPECT_NEAR(log_odds_of(1, 1, 3), plain, 1e-12);
    EXPECT_NEAR(log_odds_of(1, 0.25F, 3), plain + 3 * 0.75, 1e-9);
    EXPECT_NEAR(log_odds_of(0.5F, 0.25F, 2), plain + 2 * (0.5 + 0.75), 1e-9);
}

TEST(Probability, SumsTheOddsOfAPhotosFacesAndNamesTheBest) {
    Gallery gallery = calibrated(3, {20, -12});
    gallery.put(
        7, std::vector{face_with(at_cosine(0.6F)), face_with(at_cosine(0.7F)), face_with(at_cosine(-0.5F))});
    const std::vector<Match> matches =
        gallery.match_faces(std::vector{Probe{{1, 0, 0}}}, {.min_probability = 0});
    ASSERT_EQ(matches.size(), 1U);
    EXPECT_EQ(matches[0].face, 1);
    EXPECT_EQ(matches[0].kind, MatchKind::face);
    EXPECT_NEAR(static_cast<double>(matches[0].similarity), 0.7, 1e-3);
    const double odds = (std::exp(0.0) + std::exp(2.0)) * 5 / 8;
    EXPECT_NEAR(matches[0].probability, odds / (1 + odds), 5e-3);
}

TEST(MatchFaces, RefusesNonsense) {
    Gallery gallery = calibrated(3, {20, -12});
    const std::vector<Probe> probe{{{1, 0, 0}}};
    EXPECT_TRUE(gallery.match_faces(probe).empty());
    EXPECT_EQ(code_of([&] { gallery.match_faces({}); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { gallery.match_faces(std::vector{Probe{{1, 0}}}); }), ErrorCode::bad_input);
    const double nan = std::numeric_limits<double>::quiet_NaN();
    for (const MatchOptions& bad :
         {MatchOptions{.limit = 0}, MatchOptions{.min_probability = 2}, MatchOptions{.min_probability = nan},
          MatchOptions{.expected_photos = 0}, MatchOptions{.quality_evidence = nan},
          MatchOptions{.expansion_rounds = -1}, MatchOptions{.expansion_probability = nan},
          MatchOptions{.expansion_faces = -1}}) {
        EXPECT_EQ(code_of([&] { gallery.match_faces(probe, bad); }), ErrorCode::bad_input);
    }
    EXPECT_EQ(code_of([&] {
                  gallery.match_faces(std::vector{Probe{{1, 0, 0}, 1.5F}});
              }),
              ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { calibrated(3, {nan, 0}); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { Gallery(3).match_faces(probe); }), ErrorCode::unsupported);
}

// People as von Mises-Fisher clouds: a direction for each, and faces around it. What two faces of this world
// reveal is learned on other people by logistic regression, as a model's calibration is.
class SyntheticPeople : public testing::Test {
  protected:
    static constexpr int dimensions = 48;
    static constexpr int photos_per_person = 6;

    Embedding face_near(const Embedding& centre, double spread) {
        const Embedding noise = random_direction(random_, dimensions);
        Embedding face;
        for (std::size_t i = 0; i < centre.size(); ++i)
            face.push_back(centre[i] + static_cast<float>(spread) * noise[i]);
        const auto length = static_cast<float>(std::sqrt(dot(face, face)));
        for (float& x : face) x /= length;
        return face;
    }

    Embedding some_face(const Embedding& centre) {
        return face_near(centre, std::uniform_real_distribution<double>(0.5, most_spread_)(random_));
    }

    // Newton's method on balanced pairs, so that the fitted log odds are the log likelihood ratio.
    Calibration learn() {
        std::vector<std::pair<double, double>> pairs;  // similarity, 1 for the same person
        for (int i = 0; i < 6000; ++i) {
            const Embedding person = random_direction(random_, dimensions);
            const Embedding other = random_direction(random_, dimensions);
            pairs.emplace_back(dot(some_face(person), some_face(person)), 1);
            pairs.emplace_back(dot(some_face(person), some_face(other)), 0);
        }
        Calibration c;
        for (int step = 0; step < 30; ++step) {
            double g0 = 0, g1 = 0, h00 = 1e-9, h01 = 0, h11 = 1e-9;
            for (const auto& [s, same] : pairs) {
                const double p = probability_of(c.slope * s + c.offset);
                const double w = p * (1 - p);
                g0 += same - p;
                g1 += (same - p) * s;
                h00 += w;
                h01 += w * s;
                h11 += w * s * s;
            }
            const double determinant = h00 * h11 - h01 * h01;
            c.offset += (h11 * g0 - h01 * g1) / determinant;
            c.slope += (h00 * g1 - h01 * g0) / determinant;
        }
        return c;
    }

    // Photo p shows person p / photos_per_person.
    void fill(Gallery& gallery, int people) {
        for (int person = 0; person < people; ++person) {
            centres_.push_back(random_direction(random_, dimensions));
            for (int i = 0; i < photos_per_person; ++i) {
                gallery.put(person * photos_per_person + i,
                            std::vector{face_with(some_face(centres_.back()))});
            }
        }
    }

    double most_spread_ = 1.6;
    std::mt19937 random_{8};
    std::vector<Embedding> centres_;
};

TEST_F(SyntheticPeople, ProbabilitiesAreFrequencies) {
    Gallery gallery = calibrated(dimensions, learn());
    fill(gallery, 150);
    MatchOptions options;
    options.min_probability = 0.02;
    options.expected_photos = photos_per_person;
    options.expansion_rounds = 0;
    std::array<double, 5> claimed{};
    std::array<double, 5> right{};
    std::array<double, 5> count{};
    for (int search = 0; search < 1500; ++search) {
        const std::size_t person = random_() % centres_.size();
        for (const Match& match :
             gallery.match_faces(std::vector{Probe{some_face(centres_[person])}}, options)) {
            const auto bin = std::min<std::size_t>(static_cast<std::size_t>(match.probability * 5), 4);
            claimed[bin] += match.probability;
            right[bin] += match.photo / photos_per_person == static_cast<PhotoId>(person) ? 1 : 0;
            count[bin] += 1;
        }
    }
    for (std::size_t bin = 0; bin < count.size(); ++bin) {
        ASSERT_GT(count[bin], 100) << bin;
        EXPECT_NEAR(right[bin] / count[bin], claimed[bin] / count[bin], 0.1) << "bin " << bin;
    }
}

TEST_F(SyntheticPeople, QueryExpansionFindsMoreAtTheSamePrecision) {
    most_spread_ = 1.3;
    Gallery gallery = calibrated(dimensions, learn());
    fill(gallery, 150);
    struct Outcome {
        double recall = 0, precision = 0;
    };
    const auto outcome = [&](int rounds) {
        std::mt19937 same_probes(9);
        random_ = same_probes;
        double found = 0, right = 0, all = 0;
        for (std::size_t person = 0; person < centres_.size(); ++person) {
            MatchOptions options;
            options.expansion_rounds = rounds;
            const Embedding probe = face_near(centres_[person], 1.1);
            for (const Match& match : gallery.match_faces(std::vector{Probe{probe}}, options)) {
                ++found;
                if (match.photo / photos_per_person == static_cast<PhotoId>(person)) ++right;
            }
            all += photos_per_person;
        }
        return Outcome{right / all, right / found};
    };
    const Outcome plain = outcome(0);
    const Outcome expanded = outcome(1);
    EXPECT_GT(expanded.recall, plain.recall + 0.05);
    EXPECT_GT(expanded.precision, plain.precision - 0.01);
}

// A second selfie removes more mistakes than it makes: closer to the truth by the logarithmic score.
TEST_F(SyntheticPeople, TwoProbesKnowMoreThanOne) {
    Gallery gallery = calibrated(dimensions, learn());
    fill(gallery, 100);
    const MatchOptions all{.min_probability = 0, .expected_photos = photos_per_person, .expansion_rounds = 0};
    double one = 0;
    double two = 0;
    const auto surprise = [&](std::size_t person, const std::vector<Probe>& probes) {
        double sum = 0;
        for (const Match& match : gallery.match_faces(probes, all)) {
            const bool right = match.photo / photos_per_person == static_cast<PhotoId>(person);
            sum -= std::log(right ? match.probability : 1 - match.probability);
        }
        return sum;
    };
    for (std::size_t person = 0; person < centres_.size(); ++person) {
        const Probe a{some_face(centres_[person])};
        const Probe b{some_face(centres_[person])};
        one += surprise(person, {a}) + surprise(person, {b});
        two += 2 * surprise(person, {a, b});
    }
    EXPECT_LT(two, 0.9 * one);
}

TEST_F(SyntheticPeople, SimilarityStaysThePlainCosineWhenTheQueryGrows) {
    Gallery gallery = calibrated(dimensions, learn());
    fill(gallery, 50);
    const Embedding probe = face_near(centres_[3], 0.6);
    const std::vector<FaceHit> plain = gallery.nearest(probe, 300);
    const std::vector<Match> matches =
        gallery.match_faces(std::vector{Probe{probe}}, {.min_probability = 0.1, .expansion_rounds = 2});
    ASSERT_FALSE(matches.empty());
    for (const Match& match : matches) {
        const auto hit = std::find_if(plain.begin(), plain.end(),
                                      [&](const FaceHit& h) { return h.photo == match.photo; });
        EXPECT_NEAR(static_cast<double>(match.similarity), static_cast<double>(hit->similarity), 1e-5);
    }
}

TEST(MatchFaces, ReturnsTheSurestWithinItsLimit) {
    Gallery gallery = calibrated(3, {20, -12});
    for (PhotoId id = 0; id < 50; ++id) {
        gallery.put(id, std::vector{face_with(at_cosine(0.99F - 0.01F * static_cast<float>(id)))});
    }
    const std::vector<Match> matches = gallery.match_faces(
        std::vector{Probe{{1, 0, 0}}}, {.limit = 5, .min_probability = 0, .expansion_rounds = 0});
    ASSERT_EQ(matches.size(), 5U);
    for (std::size_t i = 0; i < matches.size(); ++i) EXPECT_EQ(matches[i].photo, static_cast<PhotoId>(i));
}

// ---- bibs

std::vector<PhotoId> photos_of(const std::vector<Match>& matches) {
    std::vector<PhotoId> photos;
    for (const Match& match : matches) photos.push_back(match.photo);
    return photos;
}

TEST(FindBib, IgnoresCaseAndSpaceAroundAndTakesAllElseLiterally) {
    Gallery gallery(3);
    gallery.put(1, {}, std::vector{bib("A207", 0.9)});
    gallery.put(2, {}, std::vector{bib("0207", 0.9)});
    gallery.put(3, {}, std::vector{bib("%_'\"*.", 0.9)});
    EXPECT_EQ(photos_of(gallery.find_bib(" a207\n")), std::vector<PhotoId>{1});
    EXPECT_EQ(photos_of(gallery.find_bib("0207")), std::vector<PhotoId>{2})
        << "leading zeros are part of a number";
    EXPECT_TRUE(gallery.find_bib("207").empty());
    EXPECT_EQ(photos_of(gallery.find_bib("%_'\"*.")), std::vector<PhotoId>{3});
    EXPECT_TRUE(gallery.find_bib("%").empty());
    EXPECT_TRUE(gallery.find_bib(".*").empty());
    EXPECT_TRUE(gallery.find_bib(std::string_view("A207\0", 5)).empty());
}

TEST(FindBib, RefusesEmptyAndOverlongTexts) {
    const Gallery gallery(3);
    EXPECT_EQ(code_of([&] { gallery.find_bib(""); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { gallery.find_bib(" \t\n"); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] { gallery.find_bib(std::string(65, '1')); }), ErrorCode::bad_input);
    std::string umlauts;
    for (int i = 0; i < 64; ++i) umlauts += "\xC3\x84";
    EXPECT_TRUE(gallery.find_bib(umlauts).empty()) << "64 characters, though 128 bytes";
    EXPECT_EQ(code_of([&] { gallery.find_bib(umlauts + "1"); }), ErrorCode::bad_input);
}

TEST(FindBib, RanksExactAboveUnsureAbovePartial) {
    Gallery gallery(3);
    gallery.put(1, {}, std::vector{bib("123", 0.45, true)});
    gallery.put(2, {}, std::vector{bib("1234", 0.2)});
    gallery.put(3, {}, std::vector{bib("1234", 0.5)});
    gallery.put(4, {}, std::vector{bib("1234", 0.99), bib("1234", 0.3), bib("234", 0.4, true)});
    gallery.put(5, {}, std::vector{bib("123", 0.9)});
    gallery.put(6, {}, std::vector{bib("91234", 0.4, true)});
    gallery.put(7, {}, std::vector{bib("1", 0.4, true)});
    const std::vector<Match> matches = gallery.find_bib("1234");
    EXPECT_EQ(photos_of(matches), (std::vector<PhotoId>{4, 3, 2, 6, 1}));
    EXPECT_EQ(matches[0].kind, MatchKind::bib);
    EXPECT_EQ(matches[0].probability, 0.99);
    EXPECT_EQ(matches[1].kind, MatchKind::bib);
    EXPECT_EQ(matches[2].kind, MatchKind::bib_unsure);
    EXPECT_EQ(matches[3].kind, MatchKind::bib_partial);
    EXPECT_EQ(matches[3].bib, "91234");
    EXPECT_EQ(matches[4].kind, MatchKind::bib_partial);
    EXPECT_EQ(matches[4].bib, "123");
    EXPECT_EQ(matches[4].face, -1);
}

TEST(FindBib, KeepsAPartialReadWhileAPhotoHasIt) {
    Gallery gallery(3);
    gallery.put(1, {}, std::vector{bib("123", 0.4, true)});
    gallery.put(2, {}, std::vector{bib("123", 0.4, true), bib("123", 0.9)});
    gallery.remove(1);
    EXPECT_EQ(photos_of(gallery.find_bib("1234")), std::vector<PhotoId>{2});
    gallery.put(2, {}, std::vector{bib("123", 0.9)});
    EXPECT_TRUE(gallery.find_bib("1234").empty());
    EXPECT_EQ(photos_of(gallery.find_bib("123")), std::vector<PhotoId>{2});
}

TEST(FindBib, SharesAPartialReadAmongTheNumbersThatExplainIt) {
    Gallery gallery(3);
    gallery.put(1, {}, std::vector{bib("23", 0.4, true)});
    EXPECT_NEAR(gallery.find_bib("123").at(0).probability, 0.4, 1e-12) << "nothing else explains it";
    gallery.put(2, {}, std::vector{bib("123", 0.9)});
    gallery.put(3, {}, std::vector{bib("234", 0.9)});
    gallery.put(4, {}, std::vector{bib("523", 0.1)});  // too unsure to be a number of the event
    EXPECT_NEAR(gallery.find_bib("123").at(1).probability, 0.2, 1e-12);
    EXPECT_NEAR(gallery.find_bib("723").at(0).probability, 0.4 / 3, 1e-12);
}

TEST(FindBib, FollowsReplacementRemovalAndHiding) {
    Gallery gallery(3);
    gallery.put(1, std::vector{face_with({1, 0, 0})}, std::vector{bib("12", 0.9), bib("12", 0.8)});
    gallery.put(2, {}, std::vector{bib("12", 0.8)});
    EXPECT_EQ(gallery.stats().bibs, 3U);
    EXPECT_EQ(photos_of(gallery.find_bib("12")), (std::vector<PhotoId>{1, 2}));
    gallery.set_bibs(1, std::vector{bib("34", 0.9)});
    EXPECT_EQ(gallery.stats().faces, 1U) << "faces stay";
    EXPECT_EQ(photos_of(gallery.find_bib("12")), std::vector<PhotoId>{2});
    EXPECT_EQ(photos_of(gallery.find_bib("34")), std::vector<PhotoId>{1});
    EXPECT_TRUE(gallery.hide(1, true));
    EXPECT_TRUE(gallery.find_bib("34").empty());
    gallery.put(1, {}, std::vector{bib("34", 0.9)});
    EXPECT_TRUE(gallery.find_bib("34").empty()) << "hidden photos stay hidden";
    EXPECT_TRUE(gallery.hide(1, false));
    EXPECT_EQ(gallery.find_bib("34").size(), 1U);
    EXPECT_TRUE(gallery.remove(2));
    EXPECT_FALSE(gallery.remove(2));
    EXPECT_FALSE(gallery.hide(2, true));
    EXPECT_TRUE(gallery.find_bib("12").empty());
    EXPECT_EQ(gallery.stats().bibs, 1U);
    EXPECT_EQ(code_of([&] { gallery.set_bibs(2, {}); }), ErrorCode::not_found);
}

}  // namespace
}  // namespace eventlens
