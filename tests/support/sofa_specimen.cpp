// sofa_specimen.cpp - a SOFA file of two measurements with four taps, as HDF5 byte by byte
//
// The parts of the HDF5 file format (version 2 headers) that libmysofa reads:
//   superblock -> root object header: attributes, and a link info message
//   link info -> fractal heap -> one direct block with a link for each variable
//   link -> object header of the variable: sizes, float64, attributes, place of its values
#include "tests/support/files.hpp"
#include "tests/support/specimens.hpp"

namespace gpuconv::test {
namespace {

constexpr std::uint64_t kNowhere = ~std::uint64_t{0};

/// A message of an object header: `body` writes what stands in it.
template <typename Body>
void message(SpecimenWriter& out, const std::string& of, std::uint64_t type, Body body) {
  const std::string name = of + " message " + std::to_string(type);
  const std::string size = name + " at " + std::to_string(out.size()) + " size";
  out.number(name + " type", type, 1).number(size, 0, 2).number(name + " flags", 0, 1);
  const std::size_t begin = out.size();
  body();
  out.set(size, out.size() - begin);
}

template <typename Messages>
void object_header(SpecimenWriter& out, const std::string& name, Messages messages) {
  out.text("OHDR").number(name + " version", 2, 1).number(name + " flags", 2, 1);
  out.number(name + " size", 0, 4);
  const std::size_t begin = out.size();
  messages();
  out.set(name + " size", out.size() - begin);
  out.text("sum?");  // libmysofa checks none
}

void attribute(SpecimenWriter& out, const std::string& of, const std::string& name,
               const std::string& value) {
  message(out, of, 12, [&] {
    out.number(of + "." + name + " version", 3, 1).number(of + "." + name + " flags", 0, 1);
    out.number(of + "." + name + " name length", name.size() + 1, 2);
    out.number(of + "." + name + " type size", 8, 2).number(of + "." + name + " space size", 4, 2);
    out.number(of + "." + name + " encoding", 0, 1).text(name).text(std::string(1, '\0'));
    out.number(of + "." + name + " class", 0x13, 1).number(of + "." + name + " bits", 0, 3);
    out.number(of + "." + name + " length", value.size(), 4);
    out.number(of + "." + name + " space version", 2, 1);
    out.number(of + "." + name + " dimensions", 0, 1).text(std::string(2, '\0')).text(value);
  });
}

struct Variable {
  std::string name;
  std::vector<std::uint64_t> sizes;
  std::vector<double> values;
  std::vector<std::pair<std::string, std::string>> attributes;
};

std::vector<Variable> variables() {
  std::vector<Variable> all;
  const auto dimension = [&](const char* name, int size) {
    all.push_back({name,
                   {1},
                   {0},
                   {{"CLASS", "DIMENSION_SCALE"},
                    {"NAME", "This is a netCDF dimension but not a netCDF variable.         " +
                                 std::to_string(size)}}});
  };
  for (const auto& [name, size] :
       {std::pair{"I", 1}, {"C", 3}, {"R", 2}, {"E", 1}, {"N", 4}, {"M", 2}}) {
    dimension(name, size);
  }
  all.push_back({"SourcePosition", {2, 3}, {0, 0, 1, 90, 0, 1}, {{"Type", "spherical"}}});
  all.push_back(
      {"ReceiverPosition", {2, 3, 1}, {0, 0.09, 0, 0, -0.09, 0}, {{"Type", "cartesian"}}});
  all.push_back({"ListenerView", {1, 3}, {1, 0, 0}, {{"Type", "cartesian"}}});
  all.push_back({"Data.SamplingRate", {1}, {16'000}, {}});
  all.push_back({"Data.Delay", {1, 2}, {0, 1}, {}});
  all.push_back(
      {"Data.IR", {2, 2, 4}, {1, 0, 0, 0, 0.5, 0, 0, 0, 1, 0.25, 0, 0, 0.125, 0, 0, 0}, {}});
  return all;
}

void variable_header(SpecimenWriter& out, const Variable& variable, std::uint64_t place) {
  const std::string& name = variable.name;
  object_header(out, name, [&] {
    message(out, name, 1, [&] {
      out.number(name + " space version", 2, 1);
      out.number(name + " dimensions", variable.sizes.size(), 1);
      out.number(name + " space flags", 0, 1).number(name + " space type", 1, 1);
      for (std::size_t i = 0; i < variable.sizes.size(); ++i) {
        out.number(name + " size " + std::to_string(i), variable.sizes[i], 8);
      }
    });
    message(out, name, 3, [&] {
      out.number(name + " class", 0x11, 1).number(name + " bit field", 0x3f20, 3);
      out.number(name + " value bytes", 8, 4).number(name + " bit offset", 0, 2);
      out.number(name + " precision", 64, 2).number(name + " exponent place", 52, 1);
      out.number(name + " exponent bits", 11, 1).number(name + " mantissa place", 0, 1);
      out.number(name + " mantissa bits", 52, 1).number(name + " bias", 1023, 4);
    });
    message(out, name, 8, [&] {
      out.number(name + " layout version", 3, 1).number(name + " layout", 1, 1);
      out.number(name + " place", place, 8).number(name + " bytes", 8 * variable.values.size(), 8);
    });
    for (const auto& [key, value] : variable.attributes) attribute(out, name, key, value);
  });
}

void fractal_heap(SpecimenWriter& out) {
  out.text("FRHP").number("heap version", 0, 1).number("heap id length", 8, 2);
  out.number("heap filters", 0, 2).number("heap flags", 0, 1).number("heap largest", 4096, 4);
  out.number("next huge", 0, 8).number("huge tree", kNowhere, 8).number("heap free", 0, 8);
  out.number("heap free place", kNowhere, 8).number("heap managed", 4096, 8);
  out.number("heap allocated", 4096, 8).number("heap offset", 0, 8);
  out.number("heap objects", 12, 8).number("huge bytes", 0, 8).number("huge objects", 0, 8);
  out.number("tiny bytes", 0, 8).number("tiny objects", 0, 8).number("heap width", 4, 2);
  out.number("heap start block", 4096, 8).number("heap largest block", 65'536, 8);
  out.number("heap bits", 32, 2).number("heap start rows", 1, 2).number("heap root", 0, 8);
  out.number("heap rows", 0, 2).text("sum?");
}

/// One link for each variable; returns the names of the fields with their addresses.
void direct_block(SpecimenWriter& out, const std::vector<Variable>& all) {
  out.text("FHDB").number("block version", 0, 1).number("block heap", 0, 8);
  out.number("block offset", 0, 4);
  for (const Variable& variable : all) {
    const std::string link = "link " + variable.name;
    out.number(link + " version", 1, 1).number(link + " flags", 4, 1).number(link + " order", 0, 8);
    out.number(link + " name length", variable.name.size(), 1).text(variable.name);
    out.number(link + " address", 0, 8);
  }
  out.number("end of links", 0, 1).text(std::string(16, '\0'));
}

}  // namespace

Specimen sofa_specimen() {
  const std::vector<Variable> all = variables();
  SpecimenWriter out;
  out.text("\x89HDF\r\n\x1a\n").number("superblock version", 2, 1).number("offset bytes", 8, 1);
  out.number("length bytes", 8, 1).number("consistency", 0, 1).number("base", 0, 8);
  out.number("extension", kNowhere, 8).number("end of file", 0, 8).number("root", 48, 8);
  out.text("sum?");
  object_header(out, "root", [&] {
    message(out, "root", 2, [&] {
      out.number("links version", 0, 1).number("links flags", 0, 1).number("links heap", 0, 8);
      out.number("links tree", kNowhere, 8);
    });
    attribute(out, "root", "Conventions", "SOFA");
    attribute(out, "root", "SOFAConventions", "SimpleFreeFieldHRIR");
  });
  out.set("links heap", out.size());
  fractal_heap(out);
  out.set("heap root", out.size());
  direct_block(out, all);
  std::string values;
  std::vector<std::size_t> places;
  for (const Variable& variable : all) {
    out.set("link " + variable.name + " address", out.size());
    places.push_back(values.size());
    variable_header(out, variable, 0);
    values += bytes_of(variable.values);
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    out.set(all[i].name + " place", out.size() + places[i]);
  }
  out.set("end of file", out.size() + values.size());
  return out.finish("SOFA", ".sofa", values);
}

}  // namespace gpuconv::test
