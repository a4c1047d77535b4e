// fftw_peer.cpp - FFTW and MKL, as well as one can use them: the peers of cpu-vectorised
//
//   fftw-whole             one real transform over all, of the best length 2^a 3^b 5^c 7^d; the
//   ears
//                          go back side by side
//   fftw-overlap-save-L    transforms of length L that overlap by K-1
//   fftw-partitioned-B     the response cut into parts of B taps, transforms of length 2B
//   mkl-...                the same with Intel's MKL, one thread inside a transform
//
// All of them: float, measured plans, all cores, results in memory. Each run transforms the
// response too, so the contender that they race is cpu-vectorised-with-response. The source lies
// where they like it best, padded and aligned, so that nothing is copied on the way in; our own
// method reads it through its renderer.
//
// MKL comes with FFTW's interface. It takes part where the environment variable GPUCONV_MKL is the
// path of its libmkl_intel_lp64.so.3, of the Python package "mkl" for example.
//
// FFTW's licence is the GPL, so this file is linked into programs that are built, never installed:
// gpuconv_peers and the tests. Linking it is all that it takes to have these contenders.
#include <dlfcn.h>
#include <fftw3.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "cuda/methods/lengths.hpp"
#include "host/base/parallel.hpp"
#include "host/bench/contender.hpp"
#include "host/bench/timer.hpp"

namespace gpuconv {
namespace {

constexpr double kPlanSeconds = 4;  // FFTW tries transforms for no longer than this

/// The functions that are used of FFTW or of MKL, by their names in FFTW.
struct Library {
  std::string name;
  decltype(&fftwf_alloc_real) alloc_real = fftwf_alloc_real;
  decltype(&fftwf_free) free = fftwf_free;
  decltype(&fftwf_set_timelimit) set_timelimit = fftwf_set_timelimit;
  decltype(&fftwf_plan_dft_r2c_1d) plan_dft_r2c_1d = fftwf_plan_dft_r2c_1d;
  decltype(&fftwf_plan_dft_c2r_1d) plan_dft_c2r_1d = fftwf_plan_dft_c2r_1d;
  decltype(&fftwf_execute_dft_r2c) execute_dft_r2c = fftwf_execute_dft_r2c;
  decltype(&fftwf_execute_dft_c2r) execute_dft_c2r = fftwf_execute_dft_c2r;
  decltype(&fftwf_destroy_plan) destroy_plan = fftwf_destroy_plan;
};

const Library& fftw() {
  static const Library library{"fftw"};
  return library;
}

/// The sequential MKL; `path` is that of its libmkl_intel_lp64. Throws std::runtime_error.
Library load_mkl(const std::string& path) {
  const std::string interface = "intel_lp64";
  const std::size_t at = path.rfind(interface);
  if (at == std::string::npos) throw std::runtime_error(path + " is not libmkl_" + interface);
  const auto open = [&](const std::string& part, int flags) {
    const std::string name = std::string(path).replace(at, interface.size(), part);
    void* const handle = dlopen(name.c_str(), RTLD_LAZY | RTLD_GLOBAL | flags);
    if (handle == nullptr) throw std::runtime_error(dlerror());
    return handle;
  };
  open("core", 0);
  open("sequential", 0);
  // Its functions call each other by names that are FFTW's, too.
  void* const handle = open(interface, RTLD_DEEPBIND);
  Library library{"mkl"};
  const auto load = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(handle, name));
    if (function == nullptr) throw std::runtime_error(path + " lacks " + name);
  };
  load(library.alloc_real, "fftwf_alloc_real");
  load(library.free, "fftwf_free");
  load(library.set_timelimit, "fftwf_set_timelimit");
  load(library.plan_dft_r2c_1d, "fftwf_plan_dft_r2c_1d");
  load(library.plan_dft_c2r_1d, "fftwf_plan_dft_c2r_1d");
  load(library.execute_dft_r2c, "fftwf_execute_dft_r2c");
  load(library.execute_dft_c2r, "fftwf_execute_dft_c2r");
  load(library.destroy_plan, "fftwf_destroy_plan");
  return library;
}

struct Free {
  decltype(&fftwf_free) free;
  void operator()(void* memory) const { free(memory); }
};
using Floats = std::unique_ptr<float[], Free>;

Floats zeros(const Library& library, std::size_t count) {
  Floats floats(library.alloc_real(count), Free{library.free});
  std::fill_n(floats.get(), count, 0.0f);
  return floats;
}

fftwf_complex* complex_of(float* floats) { return reinterpret_cast<fftwf_complex*>(floats); }

/// Measured plans of one length. Execution may be shared by threads.
class Transform {
 public:
  Transform(const Library& library, int length) : library_(library), length_(length) {
    const Floats samples = zeros(library, static_cast<std::size_t>(length));
    const Floats spectrum = zeros(library, spectrum_size());
    library.set_timelimit(kPlanSeconds);
    forward_ = library.plan_dft_r2c_1d(length, samples.get(), complex_of(spectrum.get()),
                                       FFTW_MEASURE | FFTW_PRESERVE_INPUT);
    inverse_ = library.plan_dft_c2r_1d(length, complex_of(spectrum.get()), samples.get(),
                                       FFTW_MEASURE | FFTW_DESTROY_INPUT);
    if (forward_ == nullptr || inverse_ == nullptr) throw std::runtime_error("it has no plan");
  }
  ~Transform() {
    library_.destroy_plan(forward_);
    library_.destroy_plan(inverse_);
  }
  Transform(const Transform&) = delete;
  Transform& operator=(const Transform&) = delete;

  const Library& library() const { return library_; }
  int length() const { return length_; }
  /// Floats, rounded up to whole cache lines.
  std::size_t spectrum_size() const {
    return (static_cast<std::size_t>(length_) + 2 + 15) / 16 * 16;
  }
  void forward(const float* samples, float* spectrum) const {
    library_.execute_dft_r2c(forward_, const_cast<float*>(samples), complex_of(spectrum));
  }
  void inverse(float* spectrum, float* samples) const {
    library_.execute_dft_c2r(inverse_, complex_of(spectrum), samples);
  }

 private:
  const Library& library_;
  int length_;
  fftwf_plan forward_ = nullptr;
  fftwf_plan inverse_ = nullptr;
};

#ifdef __x86_64__
#define GPUCONV_FOR_EACH_CPU __attribute__((target_clones("avx512f", "avx2,fma", "default")))
#else
#define GPUCONV_FOR_EACH_CPU
#endif

/// to[i] = sum_p a[p][i] b[p][i] over `count` complex numbers, in pieces that stay in the
/// first-level cache.
GPUCONV_FOR_EACH_CPU
void multiply(const std::vector<const float*>& a, float* const* b, std::size_t count, float* to) {
  constexpr std::size_t kPiece = 1024;
  for (std::size_t start = 0; start < count; start += kPiece) {
    const std::size_t end = std::min(count, start + kPiece);
    for (std::size_t p = 0; p < a.size(); ++p) {
      const float* __restrict__ const x = a[p];
      const float* __restrict__ const h = b[p];
      float* __restrict__ const y = to;
      const float keep = p == 0 ? 0.0f : 1.0f;
      for (std::size_t i = start; i < end; ++i) {
        const float re = x[2 * i] * h[2 * i] - x[2 * i + 1] * h[2 * i + 1];
        const float im = x[2 * i] * h[2 * i + 1] + x[2 * i + 1] * h[2 * i];
        y[2 * i] = keep * y[2 * i] + re;
        y[2 * i + 1] = keep * y[2 * i + 1] + im;
      }
    }
  }
}

/// Overlap-save with transforms of `length`, `advance` new samples each, and `partitions` parts of
/// the response of `part` taps each, part <= length - advance + 1.
struct Cut {
  int length;
  int advance;
  int part;
  int partitions;
};

class OverlapSave final : public TimedPlan {
 public:
  OverlapSave(const Library& library, const Problem& problem, const Sounds& sounds, const Cut& cut)
      : cut_(cut),
        sounds_(sounds),
        wet_length_(static_cast<std::size_t>(problem.wet_length())),
        blocks_(static_cast<int>((problem.wet_length() + cut.advance - 1) / cut.advance)),
        transform_(library, cut.length) {
    if (problem.clips != 1) throw std::runtime_error("one clip only");
    const std::size_t L = static_cast<std::size_t>(cut.length);
    const std::size_t before = L - static_cast<std::size_t>(cut.advance);
    source_ = zeros(library, before + static_cast<std::size_t>(blocks_) *
                                          static_cast<std::size_t>(cut.advance));
    std::copy(sounds.source.begin(), sounds.source.end(), source_.get() + before);
    for (const Side side : kSides) {
      for (int p = 0; p < cut.partitions; ++p) {
        spectra_.push_back(zeros(library, transform_.spectrum_size()));
        response_[side].push_back(spectra_.back().get());
      }
      wet_[side].resize(wet_length_);
    }
    windows_ = zeros(library, static_cast<std::size_t>(kBatch + cut.partitions - 1) *
                                  transform_.spectrum_size());
    for (int worker = 0; worker < core_count(); ++worker) {
      products_.push_back(zeros(library, transform_.spectrum_size()));
      samples_.push_back(zeros(library, L));
    }
  }

  double run() override {
    return seconds_of([&] { convolve(); });
  }

  Stereo<Signal> wet() override {
    for (const Side side : kSides) {
      std::fill(wet_[side].begin(), wet_[side].end(), std::numeric_limits<float>::quiet_NaN());
    }
    convolve();
    return wet_;
  }

 private:
  static constexpr int kBatch = 32;  // windows that are transformed before any is used

  void convolve() {
    std::atomic<int> next_part = 0, next_window = 0, next_block = 0;
    int end = 0;  // of the batch
    const auto begin_batch = [&]() noexcept { end = std::min(blocks_, end + kBatch); };
    begin_batch();
    std::barrier transformed(core_count());
    std::barrier filtered(core_count(), begin_batch);
    run_workers(0, [&](int worker, int workers) {
      if (worker == 0) {
        for (int i = workers; i < core_count(); ++i) {
          transformed.arrive_and_drop();
          filtered.arrive_and_drop();
        }
      }
      const int parts = 2 * cut_.partitions;
      for (int i = claim(next_part, parts); i >= 0; i = claim(next_part, parts)) {
        transform_part(kSides[static_cast<std::size_t>(i / cut_.partitions)],
                       static_cast<std::size_t>(i % cut_.partitions),
                       samples_[static_cast<std::size_t>(worker)].get());
      }
      for (bool is_last = false; !is_last;) {
        const int end_of_batch = end;
        is_last = end_of_batch == blocks_;
        for (int t = claim(next_window, end_of_batch); t >= 0;
             t = claim(next_window, end_of_batch)) {
          transform_.forward(source_.get() + static_cast<std::ptrdiff_t>(t) * cut_.advance,
                             window(t));
        }
        transformed.arrive_and_wait();
        for (int t = claim(next_block, end_of_batch); t >= 0; t = claim(next_block, end_of_batch)) {
          filter(t, static_cast<std::size_t>(worker));
        }
        filtered.arrive_and_wait();
      }
    });
  }

  /// The next of what is shared, or -1 from `end` on.
  static int claim(std::atomic<int>& next, int end) {
    int mine = next.load();
    while (mine < end && !next.compare_exchange_weak(mine, mine + 1)) {
    }
    return mine < end ? mine : -1;
  }

  void transform_part(Side side, std::size_t p, float* taps) {
    const Signal& response = sounds_.response[side];
    const std::size_t first = p * static_cast<std::size_t>(cut_.part);
    const std::size_t count =
        std::min(response.size() - first, static_cast<std::size_t>(cut_.part));
    // The library does not divide by L.
    const float scale = 1 / static_cast<float>(cut_.length);
    for (std::size_t k = 0; k < count; ++k) taps[k] = response[first + k] * scale;
    std::fill(taps + count, taps + cut_.length, 0.0f);
    transform_.forward(taps, response_[side][p]);
  }

  float* window(int t) const {
    return windows_.get() + static_cast<std::size_t>(t % (kBatch + cut_.partitions - 1)) *
                                transform_.spectrum_size();
  }

  void filter(int t, std::size_t worker) {
    std::vector<const float*> windows;
    for (int p = 0; p < cut_.partitions && p <= t; ++p) windows.push_back(window(t - p));
    const std::size_t bins = static_cast<std::size_t>(cut_.length) / 2 + 1;
    const std::size_t first = static_cast<std::size_t>(t) * static_cast<std::size_t>(cut_.advance);
    const std::size_t count = std::min(wet_length_ - first, static_cast<std::size_t>(cut_.advance));
    for (const Side side : kSides) {
      float* const samples = samples_[worker].get();
      multiply(windows, response_[side].data(), bins, products_[worker].get());
      transform_.inverse(products_[worker].get(), samples);
      std::copy_n(samples + (cut_.length - cut_.advance), count, wet_[side].data() + first);
    }
  }

  const Cut cut_;
  const Sounds& sounds_;
  const std::size_t wet_length_;
  const int blocks_;
  Transform transform_;
  Floats source_;
  std::vector<Floats> spectra_;
  Stereo<std::vector<float*>> response_;
  Floats windows_;                          // spectra of the latest ones
  std::vector<Floats> products_, samples_;  // of each worker
  Stereo<Signal> wet_;
};

class Whole final : public TimedPlan {
 public:
  Whole(const Library& library, const Problem& problem, const Sounds& sounds)
      : sounds_(sounds),
        wet_length_(static_cast<std::size_t>(problem.wet_length())),
        transform_(library, static_cast<int>(next_smooth(problem.wet_length()))) {
    if (problem.clips != 1) throw std::runtime_error("one clip only");
    const auto L = static_cast<std::size_t>(transform_.length());
    source_ = zeros(library, L);
    spectrum_ = zeros(library, transform_.spectrum_size());
    for (const Side side : kSides) {
      ears_[side] = {zeros(library, transform_.spectrum_size()),
                     zeros(library, transform_.spectrum_size()), zeros(library, L)};
    }
    std::copy(sounds.source.begin(), sounds.source.end(), source_.get());
  }

  double run() override {
    return seconds_of([&] { convolve(); });
  }

  Stereo<Signal> wet() override {
    for (const Side side : kSides) {
      std::fill_n(ears_[side].wet.get(), wet_length_, std::numeric_limits<float>::quiet_NaN());
    }
    convolve();
    Stereo<Signal> wet;
    for (const Side side : kSides) {
      wet[side].assign(ears_[side].wet.get(), ears_[side].wet.get() + wet_length_);
    }
    return wet;
  }

 private:
  struct Ear {
    Floats response, product, wet;
  };

  void convolve() {
    const auto L = static_cast<std::size_t>(transform_.length());
    const float scale = 1 / static_cast<float>(transform_.length());
    std::atomic<std::size_t> next = 0;
    std::barrier transformed(std::min(2, core_count()));
    run_workers(std::min(2, core_count()), [&](int worker, int workers) {
      if (worker == 0 && workers < std::min(2, core_count())) transformed.arrive_and_drop();
      for (std::size_t i = next++; i < 3; i = next++) {
        if (i == 0) {
          transform_.forward(source_.get(), spectrum_.get());
        } else {
          Ear& ear = ears_[kSides[i - 1]];
          const Signal& response = sounds_.response[kSides[i - 1]];
          float* const taps = ear.wet.get();  // not needed yet
          std::transform(response.begin(), response.end(), taps,
                         [&](float tap) { return tap * scale; });
          std::fill(taps + response.size(), taps + L, 0.0f);
          transform_.forward(taps, ear.response.get());
        }
      }
      transformed.arrive_and_wait();
      for (std::size_t i = static_cast<std::size_t>(worker); i < 2;
           i += static_cast<std::size_t>(workers)) {
        Ear& ear = ears_[kSides[i]];
        float* const response = ear.response.get();
        multiply({spectrum_.get()}, &response, L / 2 + 1, ear.product.get());
        transform_.inverse(ear.product.get(), ear.wet.get());
      }
    });
  }

  const Sounds& sounds_;
  const std::size_t wet_length_;
  Transform transform_;
  Floats source_, spectrum_;
  Stereo<Ear> ears_;
};

// ---- the contenders ---------------------------------------------------------------------------

double real_transform(double L) { return 2.5 * L * std::log2(L); }

using CutOf = std::function<Cut(std::int64_t K)>;

Contender overlap_save(const Library& library, const std::string& name, const CutOf& cut_of) {
  Contender contender;
  contender.name = library.name + name;
  contender.is_peer = true;
  contender.operations = [=](double N, double K) {
    const Cut cut = cut_of(static_cast<std::int64_t>(K));
    const double blocks = std::ceil((N + K - 1) / cut.advance);
    return (3 * blocks + 2 * cut.partitions) * real_transform(cut.length) +
           blocks * 8.0 * cut.partitions * cut.length;
  };
  contender.transform = [=](std::int64_t, std::int64_t K) {
    const Cut cut = cut_of(K);
    return Method::Transform{cut.length, cut.partitions};
  };
  contender.plan = [=, &library](const Problem& problem, const Sounds& sounds,
                                 const std::optional<Device>&) {
    return std::make_unique<OverlapSave>(library, problem, sounds, cut_of(problem.K));
  };
  return contender;
}

Contender partitioned(const Library& library, int block) {
  return overlap_save(library, "-partitioned-" + std::to_string(block), [block](std::int64_t K) {
    return Cut{2 * block, block, block, static_cast<int>((K + block - 1) / block)};
  });
}

Contender single(const Library& library, int length) {
  return overlap_save(library, "-overlap-save-" + std::to_string(length), [length](std::int64_t K) {
    // Windows start on cache lines.
    const std::int64_t advance = (length - K + 1) / 16 * 16;
    if (advance < length / 8) throw std::runtime_error("too short a transform");
    return Cut{length, static_cast<int>(advance), static_cast<int>(K), 1};
  });
}

Contender whole(const Library& library) {
  Contender contender;
  contender.name = library.name + "-whole";
  contender.is_peer = true;
  const auto length = [](double N, double K) {
    return static_cast<double>(next_smooth(static_cast<std::int64_t>(N + K - 1)));
  };
  contender.operations = [=](double N, double K) {
    return 5 * real_transform(length(N, K)) + 8 * length(N, K);
  };
  contender.transform = [](std::int64_t N, std::int64_t K) {
    return Method::Transform{next_smooth(N + K - 1), 1};
  };
  contender.plan = [&library](const Problem& problem, const Sounds& sounds,
                              const std::optional<Device>&) {
    if (problem.wet_length() > 4'000'000) {
      throw std::runtime_error("four times as slow as overlap-save for so long a source");
    }
    return std::make_unique<Whole>(library, problem, sounds);
  };
  return contender;
}

void add_peers(const Library& library) {
  peers().push_back(whole(library));
  for (const int length : {131'072, 262'144, 524'288}) peers().push_back(single(library, length));
  for (const int block : {4'096, 8'192, 16'384, 32'768}) {
    peers().push_back(partitioned(library, block));
  }
}

[[maybe_unused]] const bool is_known = [] {
  add_peers(fftw());
  if (const char* const path = std::getenv("GPUCONV_MKL")) {
    static const Library mkl = load_mkl(path);
    add_peers(mkl);
  }
  return true;
}();

}  // namespace
}  // namespace gpuconv
