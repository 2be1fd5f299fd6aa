import './verifier.css';
import './main.ts';
