#![allow(clippy::unwrap_used)]
use burn::tensor::Device;
use rayon::ThreadPoolBuilder;

use super::*;
use crate::testing::numbers_like_noise;

type Sizes = (usize, usize, usize, [usize; 2], [usize; 2], [usize; 2], [usize; 2]);

/// Batch, channels in, channels out, image, kernel, stride, padding: each way of computing, with sizes
/// that leave remainders.
const CASES: [Sizes; 8] = [
    (3, 32, 64, [14, 14], [5, 5], [1, 1], [2, 2]),
    (2, 1, 32, [28, 28], [5, 5], [1, 1], [2, 2]),
    (5, 9, 20, [7, 11], [3, 3], [1, 1], [1, 1]),
    (1, 8, 8, [40, 33], [3, 3], [1, 1], [0, 2]),
    (2, 16, 17, [9, 8], [3, 3], [2, 2], [1, 1]),
    (2, 8, 24, [6, 5], [1, 1], [1, 1], [0, 0]),
    (2, 3, 5, [9, 10], [4, 2], [2, 3], [0, 1]),
    (1, 2, 1, [3, 3], [3, 3], [1, 1], [0, 0]),
];

struct Case {
    shape: Shape,
    input: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    /// What the outputs are weighted with.
    gradient: Vec<f32>,
}

fn cases() -> impl Iterator<Item = Case> {
    CASES.into_iter().map(|(batch, from, to, [height, width], kernel, stride, padding)| {
        let image = [batch, from, height, width];
        let shape = Shape::new(image, [to, from, kernel[0], kernel[1]], stride, padding).unwrap();
        Case {
            input: numbers_like_noise(batch * shape.input_size(), 1),
            weight: numbers_like_noise(to * from * kernel[0] * kernel[1], 2),
            bias: numbers_like_noise(to, 3),
            gradient: numbers_like_noise(batch * shape.output_size(), 4),
            shape,
        }
    })
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

#[track_caller]
fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let size = expected.iter().fold(1.0_f32, |size, x| size.max(x.abs()));
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found - expected).abs() / size;
        assert!(error < 2e-5, "{what}[{index}]: {found} {expected}, of {size}");
    }
}

/// Output and the three gradients by burn's graph.
fn through_burn(
    case: &Case,
    bias: bool,
    conv: impl Fn(Tensor<4>, Tensor<4>, Option<Tensor<1>>) -> Tensor<4>,
) -> [Vec<f32>; 4] {
    let device = Device::flex().autodiff();
    let shape = &case.shape;
    let image = [shape.batch, shape.channels_in, shape.input[0], shape.input[1]];
    let kernel = [shape.channels_out, shape.channels_in, shape.kernel[0], shape.kernel[1]];
    let output = [shape.batch, shape.channels_out, shape.output[0], shape.output[1]];
    let tensor = |numbers: &[f32], shape: [usize; 4]| {
        Tensor::<4>::from_data(TensorData::new(numbers.to_vec(), shape), &device)
    };
    let input = tensor(&case.input, image).require_grad();
    let weight = tensor(&case.weight, kernel).require_grad();
    let vector = TensorData::new(case.bias.clone(), [shape.channels_out]);
    let vector = Tensor::<1>::from_data(vector, &device).require_grad();
    let result = conv(input.clone(), weight.clone(), bias.then(|| vector.clone()));
    let tape = (result.clone() * tensor(&case.gradient, output)).sum().backward();
    let data = |x: Option<Tensor<4>>| x.unwrap().into_data().try_to_vec::<f32>().unwrap();
    let of_bias = vector.grad(&tape).map(|x| x.into_data().try_to_vec::<f32>().unwrap());
    [
        result.into_data().try_to_vec().unwrap(),
        data(input.grad(&tape)),
        data(weight.grad(&tape)),
        of_bias.unwrap_or_default(),
    ]
}

#[test]
fn output_and_gradients_agree_with_burns_convolution() {
    for case in cases() {
        let Shape { stride, padding, .. } = case.shape;
        for bias in [true, false] {
            let own = through_burn(&case, bias, |x, w, b| conv2d(x, w, b, stride, padding));
            let burns = through_burn(&case, bias, |x, w, b| {
                module::conv2d(x, w, b, ConvOptions::new(stride, padding, [1, 1], 1))
            });
            for (what, (own, burns)) in
                ["output", "input", "weight", "bias"].into_iter().zip(own.iter().zip(&burns))
            {
                assert_close(own, burns, &format!("{:?}: {what}", case.shape));
            }
        }
    }
}

#[test]
fn gradients_are_the_slopes_of_the_output() {
    for case in cases() {
        let Case { shape, input, weight, bias, gradient } = &case;
        let loss = |input: &[f32], weight: &[f32], bias: &[f32]| {
            dot(&cpu::forward(shape, input, weight, Some(bias)), gradient)
        };
        let slopes = cpu::backward(shape, input, weight, gradient, true);
        let moved = |x: &[f32], along: &[f32], by: f32| {
            x.iter().zip(along).map(|(x, along)| x + by * along).collect::<Vec<_>>()
        };
        let check = |what, x: &[f32], slope: &[f32], loss: &dyn Fn(&[f32]) -> f64| {
            let along = numbers_like_noise(x.len(), 9);
            // The loss is linear in each argument, so that a step may be as long as one likes.
            let difference = loss(&moved(x, &along, 0.5)) - loss(&moved(x, &along, -0.5));
            let slope = dot(slope, &along);
            let size = 1.0 + slope.abs();
            assert!((difference - slope).abs() / size < 5e-3, "{what}: {difference} {slope}");
        };
        check("input", input, slopes.input.as_ref().unwrap(), &|x| loss(x, weight, bias));
        check("weight", weight, &slopes.weight, &|x| loss(input, x, bias));
        check("bias", bias, &slopes.bias, &|x| loss(input, weight, x));
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for case in cases() {
        let Case { shape, input, weight, bias, gradient } = &case;
        let bits = |threads| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let output = cpu::forward(shape, input, weight, Some(bias));
                let Gradients { input, weight, bias } =
                    cpu::backward(shape, input, weight, gradient, true);
                [output, input.unwrap(), weight, bias]
                    .map(|x| x.into_iter().map(f32::to_bits).collect::<Vec<_>>())
            })
        };
        let one = bits(1);
        assert!(one == bits(1) && one == bits(2) && one == bits(5), "{shape:?}");
    }
}

#[test]
fn a_turned_image_and_a_device_without_gradients_give_the_same() {
    let (device, traced) = (Device::flex(), Device::flex().autodiff());
    let numbers = numbers_like_noise(2 * 9 * 6 * 5, 1);
    let output = |device: &Device, turned: bool| {
        let image = |shape: [usize; 4]| TensorData::new(numbers.clone(), shape);
        let x = Tensor::<4>::from_data(image([2, 9, 6, 5]), device);
        // The same image, from a tensor whose memory has another order.
        let x = if turned {
            let copy = x.swap_dims(1, 3).into_data();
            Tensor::<4>::from_data(copy, device).swap_dims(1, 3)
        } else {
            x
        };
        let w = TensorData::new(numbers_like_noise(12 * 9 * 9, 2), [12, 9, 3, 3]);
        let y = conv2d(x, Tensor::from_data(w, device), None, [1, 1], [1, 1]);
        y.into_data().try_to_vec::<f32>().unwrap()
    };
    let plain = output(&device, false);
    assert_eq!(plain, output(&device, true));
    assert_eq!(plain, output(&traced, false));
    assert_eq!(plain, output(&traced, true));
}

#[test]
fn shapes_that_do_not_fit_are_left_to_burn() {
    let fits = |image, kernel| Shape::new(image, kernel, [1, 1], [0, 0]).is_some();
    assert!(fits([1, 2, 3, 3], [4, 2, 3, 3]));
    assert!(!fits([1, 2, 3, 3], [4, 1, 3, 3]));
    assert!(!fits([1, 2, 3, 3], [4, 2, 4, 3]));
    assert!(!fits([0, 2, 3, 3], [4, 2, 3, 3]));
    assert!(Shape::new([1, 1, 3, 3], [1, 1, 3, 3], [0, 1], [0, 0]).is_none());
}
