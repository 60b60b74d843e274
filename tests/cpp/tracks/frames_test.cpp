#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "bibs/evidence.h"
#include "eventlens/error.h"
#include "eventlens/tracks.h"

namespace eventlens {
namespace {

const BibInterpreter any_number{BibRules{}};

TimedRead read_at(double time, const std::string& text, float confidence = 0.9F,
                  float detector_score = 0.9F) {
    TimedRead timed;
    timed.time = time;
    timed.read.text = text;
    timed.read.confidences.assign(text.size(), confidence);
    timed.read.corners = {Point{0, 0}, Point{80, 0}, Point{80, 30}, Point{0, 30}};
    timed.read.evidence = Evidence{0, detector_score, true, false}.packed();
    return timed;
}

double probability_of(const std::string& text, const std::vector<TimedRead>& reads) {
    for (const Bib& bib : interpret_frames(reads, any_number)) {
        if (bib.text == text) return bib.probability;
    }
    return 0;
}

TEST(InterpretFrames, OneFrameSaysWhatItSaysAsAPhoto) {
    const TimedRead read = read_at(3, "1234", 0.6F);
    const auto alone = any_number.interpret(std::span(&read.read, 1));
    const auto bibs = interpret_frames(std::span(&read, 1), any_number);
    ASSERT_EQ(bibs.size(), 1U);
    EXPECT_EQ(bibs[0].text, "1234");
    EXPECT_NEAR(bibs[0].probability, alone.at(0).probability, 1e-9);
    EXPECT_EQ(bibs[0].box, alone[0].box);
}

TEST(InterpretFrames, FramesThatAgreeMakeItSurerButLessThanIndependentOnesWould) {
    const double one = probability_of("1234", {read_at(0, "1234", 0.6F)});
    const double two = probability_of("1234", {read_at(0, "1234", 0.6F), read_at(0.25, "1234", 0.6F)});
    ASSERT_GT(one, 0.2);
    ASSERT_LT(one, 0.95);
    EXPECT_GT(two, one);
    EXPECT_LT(two, 1 - (1 - one) * (1 - one));
}

TEST(InterpretFrames, AFrameThatReadsAnotherTextSpeaksAgainst) {
    const std::vector<TimedRead> agreed{read_at(0, "1234"), read_at(0.25, "1234")};
    std::vector<TimedRead> disputed = agreed;
    disputed.push_back(read_at(0.5, "1284"));
    EXPECT_LT(probability_of("1234", disputed), probability_of("1234", agreed));
    EXPECT_LT(probability_of("1284", disputed), probability_of("1234", disputed));
}

TEST(InterpretFrames, APartOfTheNumberDoesNotSpeakAgainstTheWhole) {
    const std::vector<TimedRead> whole{read_at(0, "1234"), read_at(0.25, "1234")};
    std::vector<TimedRead> with_part = whole;
    with_part.push_back(read_at(0.5, "123"));
    EXPECT_EQ(probability_of("1234", with_part), probability_of("1234", whole));
    EXPECT_LT(probability_of("123", with_part), probability_of("123", {read_at(0.5, "123")}));
}

TEST(InterpretFrames, DoNotDependOnTheOrderOfTheReads) {
    std::vector<TimedRead> reads{read_at(0, "1234"), read_at(0.25, "1284", 0.5F), read_at(0.5, "1234", 0.4F),
                                 read_at(0.75, "77"), read_at(1, "1234")};
    const auto expected = interpret_frames(reads, any_number);
    std::mt19937 random(1);
    for (int i = 0; i < 20; ++i) {
        std::shuffle(reads.begin(), reads.end(), random);
        const auto bibs = interpret_frames(reads, any_number);
        ASSERT_EQ(bibs.size(), expected.size());
        for (std::size_t k = 0; k < bibs.size(); ++k) {
            EXPECT_EQ(bibs[k].text, expected[k].text);
            EXPECT_NEAR(bibs[k].probability, expected[k].probability, 1e-12);
        }
    }
}

TEST(InterpretFrames, AreSurestFirstWithEachTextOnce) {
    const std::vector<TimedRead> reads{read_at(0, "1284"), read_at(0.25, "1234"),
                                       read_at(0.5, "1234", 0.95F)};
    const auto bibs = interpret_frames(reads, any_number);
    ASSERT_EQ(bibs.size(), 2U);
    EXPECT_EQ(bibs[0].text, "1234");
    EXPECT_EQ(bibs[1].text, "1284");
    EXPECT_GT(bibs[0].probability, bibs[1].probability);
}

TEST(InterpretFrames, ThousandsOfFramesMakeACertaintyAndNoMore) {
    std::vector<TimedRead> reads;
    for (int i = 0; i < 5000; ++i) reads.push_back(read_at(i * 0.25, i % 3 == 0 ? "1284" : "1234", 1, 1));
    const auto bibs = interpret_frames(reads, any_number);
    ASSERT_EQ(bibs.size(), 1U);
    EXPECT_EQ(bibs[0].text, "1234");
    EXPECT_NEAR(bibs[0].probability, 1, 1e-6);
}

TEST(InterpretFrames, NothingReadIsNoBib) {
    EXPECT_TRUE(interpret_frames({}, any_number).empty());
    EXPECT_EQ(probability_of("FINISH", {read_at(0, "FINISH")}), 0);
}

TEST(InterpretFrames, RefuseReadsOfAnotherVersion) {
    TimedRead read = read_at(0, "1234");
    read.read.evidence[0] = 99;
    EXPECT_THROW(interpret_frames(std::span(&read, 1), any_number), Error);
}

}  // namespace
}  // namespace eventlens
