# tools/tests.sh, sourced: filters for GoogleTest, shared by tools/test, tools/quick and .ci/run.

# What needs the machine for itself: profiling/gpu/tests.py knows it.
timed=$(sed -nE 's/^(TIMED|ADVISORY)_TESTS = "(.*)"/\2/p' profiling/gpu/tests.py | paste -sd:)
# Files, rooms and the command line: the plain build runs them, and the rest is left to the
# emulation. A suite that stands in none of these lists runs in both.
readers='AudioFileTest.*:BadFiles.*:ByteSourceTest.*:FlacFramesTest.*:ForeignTest.*:FromFileOrPipe/*'
readers+=':FuzzCorpus.*:IntegrityCheckTest.*:ListedTest.*:LongAiffTest.*:LongWavTest.*:Malformed*'
readers+=':MeasuredSourceTest.*:Mp3*:OpenPipeTest.*:RecordingCase.*:SlowPipeTest.*:SourcePartTest.*'
readers+=':SourceTest.*:Sphere*:SplitSourceTest.*:TagsTest.*:TruncationTest.*:WholeFiles.*'
rooms='AcousticsTest.*:BackgroundTest.*:CropTest.*:Decay*:DelayTest.*:Directions.*:EarEvidence.*:Ears.*'
rooms+=':ArrivalTest.*:DirectionsBetween.*:HeadTest.*:InfoTest.*:MotionTest.*:TrackTest.*'
rooms+=':LabelsTest.*:Mixed.*:OctaveBandTest.*:OnsetTest.*:Predelay.*:Rates.*:ResampleTest.*:Response*'
rooms+=':Sofa*:SoundCacheTest.*'
writers='DitherTest.*:FloatStoreTest.*:LayoutTest.*:LevelsTest.*:LoudnessMeter.*:NoClobber.*:Output*'
writers+=':QuantiseTest.*'
writers+=':SndfileWriterTest.*:WavWriterTest.*'
programs='Aligned.*:Batch*:BrokenPipe.*:Cropped.*:DrawsTest.*:Early.*:FilePoolTest.*:Levels.*:ListTest.*'
programs+=':NoiseOption.*:OutputAtRate.*:PairingTest.*:Program.*:RealFiles.*:SelfTestProgram.*:Streams.*'
programs+=':MovementProgram.*:MovingVoicesTest.*'
programs+=':RoutingProgram.*:SceneFile.*:ScenePass*:SceneProgram.*:SceneSchema.*:UncountedDisk.*'
arithmetic='*/cpu_*:ChartTest.*:Comparator.*:Cpu*:DirectMethod.*:ExponentTest.*:FigureTest.*'
arithmetic+=':Length.*:Notebook.*:PageTest.*:Parse*:PresetTest.*:ProgressBarTest.*:RatioTest.*'
arithmetic+=':ReportTest.*:SpectralMethod.*:SpreadTest.*:StatisticsTest.*:TeachingTransform.*'
arithmetic+=':TicksTest.*'
host="$readers:$rooms:$writers:$programs:$arithmetic"
# Without a GPU these would only be skipped there.
on_gpu='*/gpu_*:GpuBenchTest.*'
if command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null 2>&1; then on_gpu=none; fi
# Kernels in other orders, and under a watch for races.
reordered='*Blockwise*:Radix2*/1?:GpuRenderer*:*EveryMethod.Agrees*gpu_*:Golden.*gpu_*:*GraphOf*:*VoicesOf*'
