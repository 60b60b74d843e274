#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <random>
#include <regex>
#include <set>
#include <thread>

#include "bibs/ctc.h"
#include "bibs/evidence.h"
#include "bibs/pattern.h"
#include "bibs/places.h"
#include "bibs/text_map.h"
#include "eventlens/bibs.h"
#include "eventlens/error.h"
#include "test_models.h"

namespace eventlens {
namespace {

ErrorCode code_of(const auto& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.code();
    }
    ADD_FAILURE() << "nothing was thrown";
    return ErrorCode::internal;
}

// --- pattern

TEST(Pattern, MatchesWholeTextsOnly) {
    const Pattern digits(R"(\d{2,5})");
    for (const char* text : {"12", "00123", "98765"}) EXPECT_TRUE(digits.matches(text)) << text;
    for (const char* text : {"", "1", "123456", "A12", "12 "}) EXPECT_FALSE(digits.matches(text)) << text;
}

TEST(Pattern, IgnoresCaseOnBothSides) {
    for (const char* expression : {"[a-c]?\\d+", "[A-C]?\\d+", "(a|B|c)?\\d+"}) {
        const Pattern pattern(expression);
        EXPECT_TRUE(pattern.matches("A207")) << expression;
        EXPECT_TRUE(pattern.matches("b207")) << expression;
        EXPECT_FALSE(pattern.matches("D207")) << expression;
    }
}

TEST(Pattern, RefusesWhatItDoesNotKnow) {
    for (const char* expression :
         {"",  "(",  ")",   "(12",     "[",  "[a",  "[z-a]", "a{2",   "a{2,1}", "a{}", "a{1001}",
          "*", "+1", "a**", "a{2}{3}", "\\", "\\b", "(?=a)", "(?!a)", "(a)\\1", "}",   "]"}) {
        EXPECT_EQ(code_of([&] { Pattern{expression}; }), ErrorCode::bad_input) << expression;
    }
    EXPECT_EQ(code_of([] { Pattern{std::string(129, 'a')}; }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([] { Pattern{std::string(64, '(') + std::string(64, ')')}; }), ErrorCode::bad_input);
}

// These take a backtracking matcher longer than the age of the universe, or its stack.
TEST(Pattern, TakesNoLongerForHostileExpressions) {
    const std::string text(31, 'A');
    const auto start = std::chrono::steady_clock::now();
    for (const char* expression : {"(a*)*b", "((a|a|a|a|a)*)*b", "(.|.|.|.|.|.|.|.){30}x",
                                   "((((((a?){900}){900}){900}){900}){900}){900}b", "(((((a+)+)+)+)+)+b",
                                   "(((a{2}){2}){2}){2}b|(a|aa|aaa)*b"}) {
        EXPECT_FALSE(Pattern(expression).matches(text)) << expression;
    }
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
    EXPECT_FALSE(Pattern(".*").matches(std::string(32, 'A')));
}

std::string random_expression(std::mt19937& random, int depth) {
    const auto draw = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    constexpr std::array atoms{"A", "\\d", "[A1-3]", "[^B2]", "."};
    constexpr std::array atom_counts{"", "", "", "?", "*", "+", "{2}", "{1,}", "{0,2}", "{1,3}"};
    constexpr std::array group_counts{"", "?", "{2}",
                                      "{1,2}"};  // others may take the standard library for ever
    std::string expression;
    for (std::size_t parts = 1 + draw(3); parts > 0; --parts) {
        if (depth > 0 && draw(3) == 0) {
            expression += "(?:" + random_expression(random, depth - 1) + "|" +
                          random_expression(random, depth - 1) + ")" +
                          group_counts[draw(group_counts.size())];
        } else {
            expression += std::string(atoms[draw(atoms.size())]) + atom_counts[draw(atom_counts.size())];
        }
    }
    return expression;
}

// Property: where both know an expression, the standard library's matcher says the same.
TEST(Pattern, AgreesWithTheStandardLibrary) {
    std::mt19937 random(7);
    constexpr std::string_view alphabet = "AB123";
    int matched = 0;
    for (int round = 0; round < 2000; ++round) {
        const std::string expression = random_expression(random, 2);
        if (expression.size() > 128) continue;
        const Pattern ours(expression);
        const std::regex theirs(expression);
        for (int i = 0; i < 12; ++i) {
            std::string text;
            for (auto n = random() % 6; n > 0; --n) text += alphabet[random() % alphabet.size()];
            const bool expected = std::regex_match(text, theirs);
            matched += expected;
            ASSERT_EQ(ours.matches(text), expected) << expression << " on '" << text << "'";
        }
    }
    EXPECT_GT(matched, 2000);  // not merely a pile of refusals
}

// --- decoding

const std::vector<std::string> characters{"0", "1", "2", "a", "-", "\xE4\xB8\xAD"};

// Steps whose likeliest classes are given, each with probability `sure`.
std::vector<float> steps(std::span<const std::size_t> classes, float sure) {
    std::vector<float> values;
    for (const std::size_t chosen : classes) {
        for (std::size_t c = 0; c <= characters.size(); ++c) {
            values.push_back(c == chosen ? sure : (1 - sure) / static_cast<float>(characters.size()));
        }
    }
    return values;
}

TEST(DecodeCtc, TakesRunsOnceAndDropsBlanks) {
    const std::array<std::size_t, 9> path{0, 2, 2, 0, 2, 3, 3, 1, 0};
    EXPECT_EQ(decode_ctc(steps(path, 0.9F), characters).text, "1120");
    EXPECT_EQ(decode_ctc(steps(path, 0.3F), characters).text, "1120");  // no class above a half
    EXPECT_EQ(decode_ctc({}, characters).text, "");
}

TEST(DecodeCtc, KeepsLettersAndDigitsAloneWithTheirConfidences) {
    const std::array<std::size_t, 7> path{4, 5, 1, 6, 3, 0, 0};  // a - 0 中 2
    const DecodedText decoded = decode_ctc(steps(path, 0.75F), characters);
    EXPECT_EQ(decoded.text, "A02");
    EXPECT_EQ(decoded.confidences, (std::vector<float>{0.75F, 0.75F, 0.75F}));
}

// Property: any labelling survives encoding into a path and decoding back.
TEST(DecodeCtc, ReturnsWhatWasEncoded) {
    std::mt19937 random(3);
    for (int round = 0; round < 500; ++round) {
        std::string text;
        std::vector<std::size_t> path;
        for (auto n = random() % 7; n > 0; --n) {
            const std::size_t c = 1 + random() % 4;
            if (!path.empty() && path.back() == c) path.push_back(0);
            path.insert(path.end(), 1 + random() % 3, c);
            path.insert(path.end(), random() % 2, 0);
            text += bib_character(characters[c - 1]);
        }
        ASSERT_EQ(decode_ctc(steps(path, 0.6F), characters).text, text);
    }
}

// --- where the text is

Corners upright(float x, float y, float width, float height) {
    return {Point{x, y}, Point{x + width, y}, Point{x + width, y + height}, Point{x, y + height}};
}

TEST(BoxesInMap, FindsTiltedLinesWithTheirGrowth) {
    const Size size{200, 120};
    cv::Mat map = cv::Mat::zeros(size.height, size.width, CV_32FC1);
    const cv::RotatedRect line({100, 60}, {80, 16}, 15);
    std::array<cv::Point2f, 4> points;
    line.points(points.data());
    const std::vector<cv::Point> polygon(points.begin(), points.end());
    cv::fillConvexPoly(map, polygon, cv::Scalar(0.9));
    const auto boxes = boxes_in_map({map.ptr<float>(), map.total()}, size, 0.4F);
    ASSERT_EQ(boxes.size(), 1U);
    const Corners& found = boxes[0].corners;
    EXPECT_GT(boxes[0].score, 0.7F);
    // Area times 1.6 over the perimeter, at each side: 80 x 16 becomes about 101 x 37.
    EXPECT_NEAR(width_of(found), 101, 6);
    EXPECT_NEAR(height_of(found), 37, 6);
    EXPECT_NEAR(std::atan2(found[1].y - found[0].y, found[1].x - found[0].x), 15 * std::numbers::pi / 180,
                0.05);
    EXPECT_TRUE(boxes_in_map({map.ptr<float>(), map.total()}, size, 0.95F).empty());
}

TEST(Arrange, GathersWhatOverlapsAndDropsWhatCannotBeRead) {
    const std::vector<Line> lines{
        {{upright(0, 0, 100, 30), 0.9F}, false, 0, 0},  // a place of three: each overlaps the next
        {{upright(60, 0, 100, 30), 0.8F}, true, 0, 1},
        {{upright(120, 0, 100, 30), 0.7F}, false, 0, 2},
        {{upright(62, 1, 100, 30), 0.6F}, true, 0, 3},    // the torso look of a neighbour, seen already
        {{upright(0, 200, 100, 30), 0.9F}, false, 0, 4},  // elsewhere
        {{upright(0, 300, 50, 5), 0.9F}, false, 0, 5},    // too low
        {{upright(0, 400, 300, 30), 0.9F}, false, 0, 6},  // too long for a number
        {{upright(300, 0, std::nanf(""), 30), 0.9F}, false, 0, 7},
    };
    std::map<std::size_t, int> places;
    for (const Line& line : arrange(lines)) places[line.found] = line.place;
    ASSERT_EQ(places.size(), 4U);
    EXPECT_EQ(places.at(0), places.at(1));
    EXPECT_EQ(places.at(1), places.at(2));
    EXPECT_NE(places.at(0), places.at(4));
}

TEST(NearFace, IsBelowTheFaceAndOfAFittingSize) {
    std::vector<Face> faces(1);
    faces[0].box = {100, 100, 40, 50};
    EXPECT_TRUE(is_near_face(upright(90, 230, 60, 20), faces));
    EXPECT_FALSE(is_near_face(upright(90, 20, 60, 20), faces));    // above
    EXPECT_FALSE(is_near_face(upright(400, 230, 60, 20), faces));  // aside
    EXPECT_FALSE(is_near_face(upright(90, 230, 60, 6), faces));    // too small
    EXPECT_FALSE(is_near_face(upright(90, 230, 60, 20), {}));
}

// --- interpretation

BibRead look(std::string text, float confidence, int place = 0, bool near_face = true, float score = 0.8F,
             bool at_edge = false) {
    BibRead read;
    read.confidences.assign(text.size(), confidence);
    read.text = std::move(text);
    read.corners = upright(10, 20, 80, 30);
    read.evidence = Evidence{place, score, near_face, at_edge}.packed();
    return read;
}

double probability_of(std::string_view text, std::span<const BibRead> reads, const BibRules& rules = {}) {
    for (const Bib& bib : interpret_bibs(reads, rules)) {
        if (bib.text == text) return bib.probability;
    }
    return 0;
}

TEST(InterpretBibs, TellsASureReadWithItsBox) {
    const std::array reads{look("2605", 0.999F)};
    const auto bibs = interpret_bibs(reads, {});
    ASSERT_EQ(bibs.size(), 1U);
    EXPECT_EQ(bibs[0].text, "2605");
    EXPECT_GT(bibs[0].probability, 0.9);
    EXPECT_FALSE(bibs[0].partial);
    EXPECT_EQ(bibs[0].box, (Rect{10, 20, 80, 30}));
}

TEST(InterpretBibs, FindsBibsOfRunnersWhoseFaceIsHidden) {
    const std::array reads{look("2605", 0.999F, 0, false)};
    EXPECT_GT(probability_of("2605", reads), 0.3);
    EXPECT_LT(probability_of("2605", reads), probability_of("2605", std::array{look("2605", 0.999F)}));
    EXPECT_GT(probability_of("2605", reads, {R"(\d{2,5})", {"2605", "311"}}), 0.5);
}

TEST(InterpretBibs, PrefersTheLongerOfTwoLooksAtOnePlaceAndMarksThePiece) {
    const std::array reads{look("463", 0.99F), look("1463", 0.99F)};
    const auto bibs = interpret_bibs(reads, {});
    ASSERT_EQ(bibs.size(), 2U);
    EXPECT_EQ(bibs[0].text, "1463");
    EXPECT_GE(bibs[0].probability, 0.5);
    EXPECT_EQ(bibs[1].text, "463");
    EXPECT_LT(bibs[1].probability, 0.5);
    EXPECT_TRUE(bibs[1].partial);
}

TEST(InterpretBibs, MarksWhatThePhotoCutsOff) {
    const std::array reads{look("365", 0.99F, 0, true, 0.8F, true)};
    const auto bibs = interpret_bibs(reads, {});
    ASSERT_EQ(bibs.size(), 1U);
    EXPECT_LT(bibs[0].probability, 0.5);
    EXPECT_TRUE(bibs[0].partial);
}

TEST(InterpretBibs, KeepsLettersAndLeadingZerosByTheEventsPattern) {
    const std::array reads{look("A207", 0.999F, 0), look("0042", 0.999F, 1), look("RUN", 0.999F, 2)};
    EXPECT_EQ(probability_of("A207", reads), 0);
    EXPECT_GT(probability_of("0042", reads), 0.5);
    EXPECT_GT(probability_of("A207", reads, {R"([a-z]?\d{2,5})", {}}), 0.5);
    EXPECT_EQ(probability_of("RUN", reads, {R"([a-z]?\d{2,5})", {}}), 0);
    EXPECT_EQ(code_of([&] { interpret_bibs(reads, {"(", {}}); }), ErrorCode::bad_input);
}

TEST(InterpretBibs, TellsANumberSeenTwiceOnceAndAsSurelyAsTheSurer) {
    const std::array reads{look("2605", 0.7F, 0), look("2605", 0.999F, 1)};
    EXPECT_EQ(interpret_bibs(reads, {}).size(), 1U);
    EXPECT_EQ(probability_of("2605", reads), probability_of("2605", std::span(reads).last(1)));
}

TEST(InterpretBibs, RaisesRosterMembersAndLowersOthersWhereNumbersAreSparse) {
    const std::array reads{look("3527", 0.9F), look("3521", 0.8F)};
    const std::array alone{look("3527", 0.9F)};
    EXPECT_EQ(interpret_bibs(reads, {}).front().text, "3527");
    const BibRules sparse{R"(\d{2,5})", {"3521", "118", "9040"}};
    EXPECT_EQ(interpret_bibs(reads, sparse).front().text, "3521");
    EXPECT_GT(probability_of("3521", reads, sparse), probability_of("3521", reads));
    EXPECT_LT(probability_of("3527", alone, sparse), probability_of("3527", alone));
}

TEST(InterpretBibs, LearnsLittleFromARosterWithoutGaps) {
    BibRules dense;
    for (int number = 1000; number < 10000; ++number) dense.roster.push_back(std::to_string(number));
    const std::array reads{look("3527", 0.9F)};
    EXPECT_NEAR(probability_of("3527", reads, dense), probability_of("3527", reads), 0.02);
}

TEST(InterpretBibs, TakesARosterMemberThatThePatternForbids) {
    const std::array reads{look("ELITE7", 0.999F)};
    EXPECT_EQ(probability_of("ELITE7", reads), 0);
    EXPECT_GT(probability_of("ELITE7", reads, {R"(\d{2,5})", {"elite7"}}), 0.5);
}

TEST(InterpretBibs, RefusesEvidenceOfAnotherLayout) {
    std::array reads{look("2605", 0.99F)};
    reads[0].evidence[0] = 99;
    EXPECT_EQ(code_of([&] { interpret_bibs(reads, {}); }), ErrorCode::bad_input);
    reads[0].evidence.clear();
    EXPECT_EQ(code_of([&] { interpret_bibs(reads, {}); }), ErrorCode::bad_input);
}

// Properties of any reads: texts obey the pattern and are told once, probabilities are probabilities that
// fall, a place promises one bib at most, the order of the reads does not matter.
TEST(InterpretBibs, HoldsItsPromisesForAnyReads) {
    std::mt19937 random(11);
    std::uniform_real_distribution<float> part(0, 1);
    const Pattern pattern(BibRules{}.pattern);
    for (int round = 0; round < 300; ++round) {
        std::vector<BibRead> reads;
        for (auto n = random() % 12; n > 0; --n) {
            std::string text;
            for (auto length = random() % 7; length > 0; --length) text += "0123A"[random() % 5];
            reads.push_back(look(text, part(random), static_cast<int>(random() % 3), random() % 2,
                                 part(random), random() % 4 == 0));
        }
        const auto bibs = interpret_bibs(reads, {});
        std::set<std::string> texts;
        double before = 1;
        double sum = 0;
        for (const Bib& bib : bibs) {
            EXPECT_TRUE(pattern.matches(bib.text));
            EXPECT_TRUE(texts.insert(bib.text).second);
            EXPECT_LE(bib.probability, before);
            EXPECT_GT(bib.probability, 0);
            EXPECT_FALSE(bib.partial && bib.probability >= 0.5);
            before = bib.probability;
            sum += bib.probability;
        }
        EXPECT_LE(sum, 3.0 + 1e-9);
        std::shuffle(reads.begin(), reads.end(), random);
        const auto again = interpret_bibs(reads, {});
        ASSERT_EQ(again.size(), bibs.size());
        for (std::size_t i = 0; i < bibs.size(); ++i) {
            EXPECT_EQ(again[i].text, bibs[i].text);
            EXPECT_NEAR(again[i].probability, bibs[i].probability, 1e-12);
        }
    }
}

// --- the whole reader, on painted runners

struct Painted {
    Image image{{900, 700}, PixelFormat::rgb8};
    std::vector<Face> faces;
};

// A road, and for each number a runner: a head (told, not found), a shirt, a bib whose digits are about a
// third of the head high, tilted by `degrees`.
Painted paint_runners(const std::vector<std::string>& numbers, int head, double degrees) {
    Painted painted;
    cv::Mat canvas(painted.image.size().height, painted.image.size().width, CV_8UC3,
                   painted.image.pixels().data());
    canvas.setTo(cv::Scalar(120, 125, 130));
    const int count = static_cast<int>(numbers.size());
    for (int i = 0; i < count; ++i) {
        const int x = canvas.cols * (2 * i + 1) / (2 * count);
        const int top = 60;
        Face face;
        face.box = {static_cast<float>(x) - static_cast<float>(head) * 0.4F, static_cast<float>(top),
                    static_cast<float>(head) * 0.8F, static_cast<float>(head)};
        painted.faces.push_back(face);
        cv::ellipse(canvas, {x, top + head / 2}, {head * 2 / 5, head / 2}, 0, 0, 360, {210, 170, 140},
                    cv::FILLED, cv::LINE_AA);
        cv::rectangle(canvas, {x - head, top + head * 5 / 4, 2 * head, head * 7 / 2}, {40, 70, 150},
                      cv::FILLED);

        const cv::Size bib(head * 3 / 2, head * 4 / 5);
        cv::Mat paper(bib, CV_8UC3, cv::Scalar(245, 245, 245));
        const double scale = head / 60.0;
        const int thickness = std::max(2, head / 14);
        int baseline = 0;
        const std::string& number = numbers[static_cast<std::size_t>(i)];
        const cv::Size text = cv::getTextSize(number, cv::FONT_HERSHEY_SIMPLEX, scale, thickness, &baseline);
        cv::putText(paper, number, {(bib.width - text.width) / 2, (bib.height + text.height) / 2},
                    cv::FONT_HERSHEY_SIMPLEX, scale, {20, 20, 20}, thickness, cv::LINE_AA);
        cv::Mat turn = cv::getRotationMatrix2D(
            {static_cast<float>(bib.width) / 2, static_cast<float>(bib.height) / 2}, degrees, 1);
        turn.at<double>(0, 2) += x - bib.width / 2;
        turn.at<double>(1, 2) += top + head * 5 / 2;
        cv::warpAffine(paper, canvas, turn, canvas.size(), cv::INTER_LINEAR, cv::BORDER_TRANSPARENT);
    }
    return painted;
}

std::set<std::string> exact(const std::vector<Bib>& bibs) {
    std::set<std::string> texts;
    for (const Bib& bib : bibs) {
        if (bib.probability >= 0.5) texts.insert(bib.text);
    }
    return texts;
}

TEST(BibReader, ReadsPaintedBibsOfSeveralSizesAndTilts) {
    SKIP_WITHOUT_MODELS();
    const BibReader reader = BibReader::open(testing::open_fetched_models());
    for (const int head : {48, 64, 96}) {
        for (const double degrees : {-15.0, 0.0, 10.0}) {
            const Painted runners = paint_runners({"2605", "0718", "349"}, head, degrees);
            EXPECT_EQ(exact(reader.read(runners.image.view(), runners.faces)),
                      (std::set<std::string>{"2605", "0718", "349"}))
                << "head " << head << ", " << degrees << " degrees";
        }
    }
}

TEST(BibReader, PutsTheBoxOnTheBib) {
    SKIP_WITHOUT_MODELS();
    const BibReader reader = BibReader::open(testing::open_fetched_models());
    const Painted runner = paint_runners({"2605"}, 80, 0);
    const auto bibs = reader.read(runner.image.view(), runner.faces);
    ASSERT_FALSE(bibs.empty());
    const Rect box = bibs.front().box;
    EXPECT_NEAR(box.x + box.width / 2, 450, 8);
    EXPECT_NEAR(box.y + box.height / 2, 60 + 80 * 5 / 2 + 32, 8);
    EXPECT_LT(box.width, 150);
}

TEST(BibReader, ReadsWithoutFacesAndLettersByPattern) {
    SKIP_WITHOUT_MODELS();
    const BibReader reader = BibReader::open(testing::open_fetched_models());
    const Painted runner = paint_runners({"A207"}, 96, 0);
    const auto reads = reader.read_text(runner.image.view(), {});
    EXPECT_TRUE(exact(interpret_bibs(reads, {})).empty());
    EXPECT_EQ(exact(interpret_bibs(reads, {R"([A-Z]\d{3})", {}})), std::set<std::string>{"A207"});
}

TEST(BibReader, LooksWhereItIsTold) {
    SKIP_WITHOUT_MODELS();
    const BibReader reader = BibReader::open(testing::open_fetched_models());
    const Painted runner = paint_runners({"2605"}, 80, 0);
    const auto seen = [&](const ReadOptions& options) {
        return reader.read_text(runner.image.view(), runner.faces, options).size();
    };
    EXPECT_GT(seen({.whole = false}), 0U);   // below the face
    EXPECT_GT(seen({.torsos = false}), 0U);  // in the whole picture
    EXPECT_EQ(seen({.whole = false, .torsos = false}), 0U);
    EXPECT_TRUE(reader.read_text(runner.image.view(), {}, {.whole = false}).empty());
}

TEST(BibReader, GivesTheSameInBothPrecisions) {
    SKIP_WITHOUT_MODELS();
    RuntimeOptions options;
    options.precision = Precision::automatic;
    const auto fastest = testing::open_fetched_models(options);
    if (fastest->precision() != Precision::bf16) GTEST_SKIP() << "this CPU does not compute in bf16";
    options.precision = Precision::f32;
    const BibReader quick = BibReader::open(fastest);
    const BibReader plain = BibReader::open(testing::open_fetched_models(options));
    for (const double degrees : {-12.0, 0.0, 12.0}) {
        const Painted runners = paint_runners({"1384", "2290"}, 56, degrees);
        EXPECT_EQ(exact(quick.read(runners.image.view(), runners.faces)),
                  exact(plain.read(runners.image.view(), runners.faces)));
    }
}

TEST(BibReader, FindsNothingWhereThereIsNothingAndRefusesWhatIsNoImage) {
    SKIP_WITHOUT_MODELS();
    const BibReader reader = BibReader::open(testing::open_fetched_models());
    for (const Size size : {Size{1, 1}, Size{640, 480}, Size{3, 2000}}) {
        EXPECT_TRUE(reader.read(Image(size, PixelFormat::rgb8).view(), {}).empty()) << size.width;
    }
    std::vector<Face> odd(3);
    odd[0].box = {-500, -500, 10, 10};
    odd[1].box = {10, 10, 0, 0};
    odd[2].box = {0, 0, 1e6F, 1e6F};
    EXPECT_TRUE(reader.read(Image({640, 480}, PixelFormat::rgb8).view(), odd).empty());
    EXPECT_EQ(code_of([&] { (void)reader.read({}, {}); }), ErrorCode::bad_input);
    EXPECT_EQ(code_of([&] {
                  (void)reader.read(Image({9, 9}, PixelFormat::gray8).view(), {});
              }),
              ErrorCode::bad_input);
}

TEST(BibReader, AnswersManyThreadsAlike) {
    SKIP_WITHOUT_MODELS();
    const BibReader reader = BibReader::open(testing::open_fetched_models());
    const Painted runners = paint_runners({"2605", "0718"}, 64, 5);
    std::array<std::vector<Bib>, 4> answers;
    std::vector<std::thread> threads;
    for (auto& answer : answers) {
        threads.emplace_back([&] { answer = reader.read(runners.image.view(), runners.faces); });
    }
    for (std::thread& thread : threads) thread.join();
    for (const auto& answer : answers) EXPECT_EQ(exact(answer), (std::set<std::string>{"2605", "0718"}));
}

// A user's own network is declared in a manifest beside the fetched one; here the fetched one under another
// name.
TEST(BibReader, TakesAnotherRecognizerByName) {
    SKIP_WITHOUT_MODELS();
    namespace fs = std::filesystem;
    const fs::path folder = fs::temp_directory_path() / ("eventlens_bibs_" + std::to_string(::getpid()));
    fs::create_directories(folder);
    const auto models = testing::open_fetched_models();
    const ModelFile& file = models->default_for("text_recognizer").files.front();
    fs::copy_file(file.path, folder / "mine.onnx", fs::copy_options::overwrite_existing);
    std::ofstream(folder / "mine.json")
        << R"({"schema": 1, "models": [{"name": "mine", "role": "text_recognizer", "licence": "as the original", )"
        << R"("provenance": "a copy", "files": [{"path": "mine.onnx", "sha256": ")" << file.sha256
        << R"("}], "input": {"width": 160, "height": 48, "bgr": true, "mean": [127.5, 127.5, 127.5], "scale": [127.5, 127.5, 127.5]}}]})";
    const std::array manifests{testing::fetched_manifest().value(), folder / "mine.json"};
    const auto extended = ModelStore::open(manifests);
    BibOptions options;
    options.reader = "mine";
    const Painted runners = paint_runners({"2605", "0718"}, 64, 0);
    EXPECT_EQ(exact(BibReader::open(extended, options).read(runners.image.view(), runners.faces)),
              (std::set<std::string>{"2605", "0718"}));
    options.reader = "nobody's";
    EXPECT_EQ(code_of([&] { BibReader::open(extended, options); }), ErrorCode::not_found);
    options.reader = "yunet";
    EXPECT_EQ(code_of([&] { BibReader::open(extended, options); }), ErrorCode::not_found);
    fs::remove_all(folder);
}

TEST(TesseractReader, ReadsALargePlainBibFromManyThreads) {
    SKIP_WITHOUT_MODELS();
    BibOptions options;
    options.reader = "tesseract";
    const BibReader reader = BibReader::open(testing::open_fetched_models(), options);
    const Painted runner = paint_runners({"2605"}, 96, 0);
    const auto reads = reader.read_text(runner.image.view(), runner.faces);
    EXPECT_TRUE(
        std::any_of(reads.begin(), reads.end(), [](const BibRead& read) { return read.text == "2605"; }));
    EXPECT_GT(probability_of("2605", reads), 0.02);
    std::array<std::size_t, 3> counts{};
    std::vector<std::thread> threads;
    for (auto& found : counts) {
        threads.emplace_back([&] { found = reader.read_text(runner.image.view(), runner.faces).size(); });
    }
    for (std::thread& thread : threads) thread.join();
    for (const std::size_t found : counts) EXPECT_EQ(found, reads.size());
}

}  // namespace
}  // namespace eventlens
