#include <gtest/gtest.h>

#include <string_view>

#include "eventlens/catalog.h"
#include "eventlens/error.h"

namespace eventlens {
namespace {

using Roster = std::vector<RosterEntry>;

Roster parsed(std::string_view csv) {
    return parse_roster_csv(std::as_bytes(std::span(csv)));
}

std::string refusal_of(std::string_view csv) {
    try {
        parsed(csv);
    } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::bad_input);
        return error.what();
    }
    return "accepted";
}

TEST(RosterCsv, AHeaderNamesTheColumns) {
    EXPECT_EQ(parsed("Name,Club,BIB\nAnn,Lakers,12\nBob,,a7\n"), (Roster{{"12", "Ann"}, {"A7", "Bob"}}));
    EXPECT_EQ(parsed("bib\n007\n"), (Roster{{"007", ""}}));
}

TEST(RosterCsv, WithoutAHeaderTheFirstColumnsCount) {
    EXPECT_EQ(parsed("12,Ann,Lakers\n13"), (Roster{{"12", "Ann"}, {"13", ""}}));
    EXPECT_EQ(parsed("LISA\nMARK\n"), (Roster{{"LISA", ""}, {"MARK", ""}}));
}

TEST(RosterCsv, SpreadsheetsOfAllCountriesAreRead) {
    const Roster expected{{"12", "Ann, B."}, {"13", ""}};
    EXPECT_EQ(parsed("\xEF\xBB\xBF"
                     "bib;name\r\n12;Ann, B.\r\n13;\r\n"),
              expected);
    EXPECT_EQ(parsed("bib\tname\r12\tAnn, B.\r13\t\r"), expected);
    EXPECT_EQ(parsed("\xEF\xBB\xBF\"bib\",\"name\"\n\"12\",\"Ann, B.\"\n\" 13 \",\n"), expected);
}

TEST(RosterCsv, QuotesHoldSeparatorsAndQuotes) {
    EXPECT_EQ(parsed("12,\"Ann \"\"the hare\"\" B.; C\"\n"), (Roster{{"12", "Ann \"the hare\" B.; C"}}));
    EXPECT_EQ(parsed("bib,name,address\n12,Ann,\"Lake Road 1\nLakeside\"\n13,Bob,\n"),
              (Roster{{"12", "Ann"}, {"13", "Bob"}}));
}

TEST(RosterCsv, RowsWithoutABibAndRepeatedBibsAreLeftOut) {
    EXPECT_EQ(parsed("bib,name\n12,Ann\n\n,Nobody\n 12 ,Other\n13,Bob\n   \n"),
              (Roster{{"12", "Ann"}, {"13", "Bob"}}));
    EXPECT_TRUE(parsed("").empty());
    EXPECT_TRUE(parsed("bib,name").empty());
}

TEST(RosterCsv, WhatItCannotMeanIsRefusedWithTheRow) {
    EXPECT_NE(refusal_of("bib\n12\n\"13\n").find("row 3"), std::string::npos);
    EXPECT_NE(refusal_of("bib,name\n\"12\"x,Ann\n").find("row 2"), std::string::npos);
    EXPECT_NE(refusal_of("bib\n1\x01"
                         "2\n")
                  .find("row 2"),
              std::string::npos);
    EXPECT_NE(refusal_of(std::string_view("bib\n1\0002\n", 8)).find("row 2"), std::string::npos);
    EXPECT_NE(refusal_of("Number;Name\n12;Ann\n").find("header"), std::string::npos);
    EXPECT_NE(refusal_of("\xFF\xFE"
                         "b")
                  .find("UTF-16"),
              std::string::npos);
}

TEST(RosterCsv, LimitsHold) {
    EXPECT_EQ(parsed(std::string(64, '1')).size(), 1U);
    EXPECT_NE(refusal_of(std::string(65, '1')).find("64"), std::string::npos);
    EXPECT_NE(refusal_of("1," + std::string(1001, 'x')).find("1000"), std::string::npos);
    EXPECT_NE(refusal_of(std::string(1001, ',')).find("columns"), std::string::npos);
    EXPECT_NE(refusal_of(std::string((64 << 20) + 1, '\n')).find("64 MB"), std::string::npos);
}

}  // namespace
}  // namespace eventlens
